import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frozenCopy } from '../../src/domain/frozen-copy.ts';
import { maxLevels } from '../../src/domain/plain-data.ts';
import { seed } from '../support/seed.ts';
import { anyData, identical, isDeepFrozen, nested } from './any-data.ts';

test('a copy equals its original, is frozen and shares no object with it', () => {
  fc.assert(
    fc.property(anyData, (value) => {
      const copy = frozenCopy(value);
      expect(identical(copy, value)).toBe(true);
      expect(isDeepFrozen(copy)).toBe(true);
      expect(objectsIn(copy).intersection(objectsIn(value)).size).toBe(0);
    }),
    { numRuns: 1000, seed },
  );
});

test('an own __proto__ stays a field', () => {
  const value: unknown = JSON.parse('{"__proto__":{"polluted":[1]},"b":2}');
  expect(identical(frozenCopy(value), value)).toBe(true);
  expect(isDeepFrozen(frozenCopy(value))).toBe(true);
});

describe('keeps values that cannot be encoded', () => {
  test.each<[string, unknown]>([
    ['a function', () => 1],
    ['an instance', new (class Money {})()],
    [
      'an accessor',
      {
        get a() {
          return 1;
        },
      },
    ],
    ['a property that is not enumerable', Object.defineProperty({}, 'a', { value: 1 })],
    ['a symbol key', { [Symbol('s')]: 1 }],
    ['no prototype', Object.create(null)],
    ['a sparse array', new Array(3)],
    ['an array with an extra property', Object.assign([1], { a: 1 })],
    ['a Date with an extra property', Object.assign(new Date(), { a: 1 })],
    ['an imitated Date', Object.create(Date.prototype)],
    ['a Buffer', Buffer.from('a')],
    ['a subclass of Map', new (class Index extends Map {})()],
  ])('%s', (_, value) => {
    expect(frozenCopy(value)).toBe(value);
    expect(frozenCopy({ a: [value] }).a[0]).toBe(value);
    expect(frozenCopy(new Map([[value, value]])).get(value as never)).toBe(value);
    expect(Object.isFrozen(value)).toBe(false);
  });
});

test('a cycle stays a cycle', () => {
  const order: Record<string, unknown> = { items: [], byName: new Map(), all: new Set() };
  for (const add of [
    () => (order.items as unknown[]).push(order),
    () => (order.byName as Map<string, unknown>).set('it', order),
    () => (order.all as Set<unknown>).add(order),
  ]) {
    add();
  }
  const copy = frozenCopy(order) as unknown as {
    items: unknown[];
    byName: Map<string, unknown>;
    all: Set<unknown>;
  };
  expect(copy).not.toBe(order);
  expect([copy.items[0], copy.byName.get('it'), ...copy.all]).toEqual([copy, copy, copy]);
  expect(copy.items[0]).toBe(copy);
  expect(copy.byName.get('it')).toBe(copy);
  expect(copy.all.has(copy)).toBe(true);
});

test.each<[string, (inner: unknown) => unknown, (outer: never) => unknown]>([
  ['arrays', (inner) => [inner], (outer: unknown[]) => outer[0]],
  ['objects', (inner) => ({ inner }), (outer: { inner: unknown }) => outer.inner],
  ['Maps', (inner) => new Map([[inner, 1]]), (outer: Map<unknown, unknown>) => outer.keys().next().value],
  ['Sets', (inner) => new Set([inner]), (outer: Set<unknown>) => outer.values().next().value],
])('%s nested deeper than can be encoded are kept as they are from there', (_, wrap, unwrap) => {
  let original = nested(20_000, wrap, 1);
  let copy: unknown = frozenCopy(original);
  for (let level = 1; level <= maxLevels; level++) {
    expect(copy === original).toBe(false);
    [original, copy] = [unwrap(original as never), unwrap(copy as never)];
  }
  expect(copy).toBe(original);
});

function objectsIn(value: unknown, found: Set<unknown> = new Set()): Set<unknown> {
  if (typeof value !== 'object' || value === null || found.has(value)) return found;
  found.add(value);
  const parts =
    value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value);
  for (const part of parts) objectsIn(part, found);
  return found;
}
