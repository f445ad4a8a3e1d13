import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { Order } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';
import { frozenCopy } from '../../src/domain/frozen-copy.ts';
import { oddityOf } from '../../src/domain/plain-data.ts';
import { Transcoder } from '../../src/storage/codec/transcoder.ts';
import { storages } from '../support/storages.ts';

/** Evaluates code in another realm, as Jest runs the code of a test. */
const elsewhere = (code: string): unknown => runInNewContext(`(${code})`);

const plain: readonly (readonly [string, unknown])[] = [
  ['{ a: 1, b: { c: null } }', { a: 1, b: { c: null } }],
  ['[1, [2, { d: undefined }]]', [1, [2, { d: undefined }]]],
  ['new Date(5)', new Date(5)],
  ['new Map([["k", new Set([1])]])', new Map([['k', new Set([1])]])],
  ['new Uint8Array([1, 2])', new Uint8Array([1, 2])],
  ['{ all: [new Date(5), new Map([[{ k: 1 }, 2]])] }', { all: [new Date(5), new Map([[{ k: 1 }, 2]])] }],
];

describe.each(plain)('%s of another realm', (code, expected) => {
  test('is plain data, and is copied into this realm', () => {
    expect(oddityOf(elsewhere(code) as object)).toBeUndefined();
    const copy = frozenCopy(elsewhere(code)) as object;
    expect(copy).toStrictEqual(expected);
    expect(Object.getPrototypeOf(copy)).toBe(Object.getPrototypeOf(expected));
  });

  test('is encoded like its equal of this realm', () => {
    const transcoder = new Transcoder();
    expect(transcoder.encode(elsewhere(code))).toBe(transcoder.encode(expected));
  });
});

test.each([
  ['an instance', 'new (class Money {})()', 'instance of Money'],
  ['a subclass of Date', 'new (class Day extends Date {})()', 'instance of Day'],
  ['a subclass of Array', 'new (class List extends Array {})()', 'instance of List'],
  ['a subclass of Map', 'new (class Index extends Map {})()', 'instance of Index'],
  ['an imitated Date', 'Object.create(Date.prototype)', 'instance of Date'],
  ['an object that inherits', 'Object.create({ a: 1 })', 'inherits from another object'],
  ['no prototype', 'Object.create(null)', 'object without prototype'],
  ['an Int8Array', 'new Int8Array(1)', 'instance of Int8Array'],
  ['an invalid Date', 'new Date(NaN)', 'invalid Date'],
  ['a hole', '[1, , 2]', 'hole in a sparse array'],
])('%s of another realm is refused', (_, code, reason) => {
  expect(oddityOf(elsewhere(code) as object)?.reason).toContain(reason);
});

test.each(storages)('an event with data of another realm is recorded on $name', async ({ create }) => {
  await using orders = await Orders.open({ storage: create() });
  const order = Order.create('Order.Created', elsewhere("{ customer: 'ada' }") as { customer: string });
  await orders.save(order);
  expect((await orders.get(order.id)).customer).toBe('ada');
});
