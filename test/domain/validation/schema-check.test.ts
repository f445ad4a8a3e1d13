import { type } from 'arktype';
import { EventInvalidError, InvalidSchemaError, type StandardSchema } from 'kahn';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { frozenCopy } from '../../../src/domain/frozen-copy.ts';
import { assertFits } from '../../../src/domain/validation/schema-check.ts';
import { Money } from '../../support/systems/money.ts';

/** Checks frozen data, as applications do, and returns the error. */
function check(schema: StandardSchema, data: unknown): unknown {
  const event = {
    type: 'Order.Created',
    data: frozenCopy(data),
    originatorId: 'o-1',
    originatorVersion: 1,
    timestamp: 0,
  };
  try {
    assertFits(schema, { applicationName: 'orders', action: 'record', event });
  } catch (error) {
    return error;
  }
}

function schemaOf(validate: (value: unknown) => unknown): StandardSchema {
  return { '~standard': { version: 1, vendor: 'handmade', validate } } as StandardSchema;
}

const order = { customer: 'ada', lines: [{ sku: 'a', count: 2 }] };

const orderSchemas: readonly (readonly [string, StandardSchema])[] = [
  [
    'zod',
    z.object({ customer: z.string(), lines: z.array(z.object({ sku: z.string(), count: z.number() })) }),
  ],
  [
    'valibot',
    v.object({ customer: v.string(), lines: v.array(v.object({ sku: v.string(), count: v.number() })) }),
  ],
  ['arktype', type({ customer: 'string', lines: type({ sku: 'string', count: 'number' }).array() })],
];

describe.each(orderSchemas)('with a schema of %s', (vendor, schema) => {
  test('data that fits is accepted, whatever the order of its keys', () => {
    expect(check(schema, order)).toBeUndefined();
    expect(check(schema, { lines: [{ count: 2, sku: 'a' }], customer: 'ada' })).toBeUndefined();
  });

  test('data that does not fit is refused with the path of each issue', () => {
    const error = check(schema, { customer: 1, lines: [order.lines[0], { sku: 'b', count: 'two' }] });
    expect(error).toBeInstanceOf(EventInvalidError);
    expect(error).toMatchObject({
      code: 'EVENT_INVALID',
      applicationName: 'orders',
      eventType: 'Order.Created',
      originatorId: 'o-1',
      originatorVersion: 1,
      issues: [{ path: 'customer' }, { path: 'lines[1].count' }],
    });
    const { message } = error as Error;
    expect(message).toContain(
      "Application 'orders' cannot record 'Order.Created', version 1 of aggregate 'o-1'",
    );
    expect(message).toContain(`made with ${vendor}. customer: `);
    expect(message).toContain('; lines[1].count: ');
  });
});

const when = new Date(0);
test.each<readonly [string, StandardSchema, unknown]>([
  ['a Date in zod', z.object({ when: z.date() }), { when }],
  ['a Date in valibot', v.object({ when: v.date() }), { when }],
  ['a Date in arktype', type({ when: 'Date' }), { when }],
  ['a Map', z.map(z.string(), z.object({ n: z.number() })), new Map([['a', { n: 1 }]])],
  ['a Map in valibot', v.map(v.string(), v.number()), new Map([['a', 1]])],
  ['a Set', z.set(z.string()), new Set(['a'])],
  ['bytes', z.object({ bytes: z.instanceof(Uint8Array) }), { bytes: new Uint8Array([1, 2]) }],
  ['an instance of a custom type', z.object({ price: z.instanceof(Money) }), { price: new Money(5) }],
  ['an optional field that is missing', z.object({ note: z.string().optional() }), {}],
  ['an optional field that is undefined', z.object({ note: z.string().optional() }), { note: undefined }],
  ['unknown keys that the schema keeps', z.looseObject({ a: z.string() }), { a: 'x', b: { c: [1] } }],
  ['a read-only schema', z.object({ a: z.array(z.string()) }).readonly(), { a: ['x'] }],
  ['a default that is not needed', type({ note: "string = ''" }), { note: 'x' }],
  ['a conversion that changes nothing', type({ note: 'string.trim' }), { note: 'x' }],
  ['a conversion that changes nothing, in zod', z.object({ note: z.string().trim() }), { note: 'x' }],
  ['no data', z.undefined(), undefined],
  ['a text', z.string(), 'x'],
  ['minus zero', z.number(), -0],
  ['a bigint', z.bigint(), 5n],
  ['a key that objects inherit', z.record(z.string(), z.number()), JSON.parse('{"constructor":2}')],
])('accepts %s', (_name, schema, data) => {
  expect(check(schema, data)).toBeUndefined();
});

test.each<readonly [string, StandardSchema, unknown, string, string]>([
  ['removes an unknown key', z.object({ a: z.string() }), { a: 'x', b: 1 }, 'b', 'strictObject()'],
  [
    'removes one inside',
    v.array(v.object({ a: v.string() })),
    [{ a: 'x' }, { a: 'y', b: 1 }],
    '[1].b',
    'removes',
  ],
  ['removes one in arktype', type({ a: 'string', '+': 'delete' }), { a: 'x', b: 1 }, 'b', 'removes'],
  ['adds a default', z.object({ a: z.string().default('x') }), {}, 'a', "adds 'a' to the data"],
  ['adds a default in arktype', type({ a: "string = 'x'" }), {}, 'a', 'adds'],
  ['converts a text', z.object({ 'a b': z.string().trim() }), { 'a b': ' x' }, '["a b"]', 'changes'],
  [
    'converts in place',
    type({ a: 'string.numeric.parse' }),
    { a: '1' },
    'a',
    'Convert the value before trigger()',
  ],
  ['converts a Date', z.date().transform((d) => new Date(+d + 1)), when, '', 'changes the data'],
  [
    'changes a Date in place',
    z.object({ d: z.date().refine((d) => d.setTime(5)) }),
    { d: when },
    'd',
    'changes',
  ],
  ['sorts', z.array(z.number()).transform((all) => all.toSorted()), [2, 1], '[0]', 'changes'],
  ['shortens', z.array(z.number()).transform((all) => all.slice(1)), [2, 1], '', 'changes'],
  ['changes a Map', z.map(z.string(), z.string().trim()), new Map([['a', ' x']]), 'a', 'changes'],
  ['changes a key of a Map', z.map(z.string().trim(), z.string()), new Map([[' a', 'x']]), '', 'changes'],
  ['changes a Set', z.set(z.string().trim()), new Set([' a']), '', 'changes'],
  ['changes bytes', z.instanceof(Uint8Array).transform((b) => b.slice(1)), new Uint8Array(2), '', 'changes'],
  [
    'copies an instance',
    z.object({ p: z.instanceof(Money).transform((m) => new Money(m.cents)) }),
    { p: new Money(5) },
    'p',
    'changes',
  ],
  ['returns nothing', schemaOf(() => ({})), { a: 1 }, '', 'changes the data'],
  ['returns null', schemaOf(() => ({ value: null })), { a: 1 }, '', 'changes the data'],
])('refuses a schema that %s', (_name, schema, data, path, part) => {
  const error = check(schema, data);
  expect(error).toBeInstanceOf(InvalidSchemaError);
  expect(error).toMatchObject({ code: 'INVALID_SCHEMA', eventType: 'Order.Created', path });
  expect((error as Error).message).toContain(part);
});

test.each<readonly [string, StandardSchema]>([
  ['zod', z.object({ a: z.string().refine(async () => true) })],
  [
    'valibot',
    v.objectAsync({
      a: v.pipeAsync(
        v.string(),
        v.checkAsync(async () => true),
      ),
    }),
  ],
  ['a promise that rejects', schemaOf(() => Promise.reject(new Error('late')))],
])('refuses an asynchronous schema: %s', (_name, schema) => {
  const error = check(schema, { a: 'x' });
  expect(error).toBeInstanceOf(InvalidSchemaError);
  expect((error as Error).message).toContain('returned a promise');
});

test.each<readonly [string, StandardSchema]>([
  ['valibot', v.pipe(v.string(), v.check(fail))],
  ['arktype', type('string').narrow(fail)],
  ['by hand', schemaOf(fail)],
  ['in its issues', schemaOf(() => ({ issues: [{ get path() { return fail(); }, message: 'x' }] }))], // biome-ignore format: short
  ['in its value', schemaOf(() => ({ get value() { return fail(); } }))], // biome-ignore format: short
])('a schema that throws is named, with the cause: %s', (_name, schema) => {
  const error = check(schema, 'x');
  expect(error).toBeInstanceOf(InvalidSchemaError);
  expect(error).toMatchObject({ cause: { message: 'boom' } });
  expect((error as Error).message).toContain('threw an error: boom');
});

function fail(): never {
  throw new Error('boom');
}

test.each([[undefined], [null], [5], ['x']])('refuses a schema that returns %j', (result) => {
  const error = check(
    schemaOf(() => result),
    'x',
  );
  expect(error).toBeInstanceOf(InvalidSchemaError);
  expect((error as Error).message).toContain('in place of a result');
});

test('an issue without path is about the data, and paths may have objects, symbols and any text', () => {
  const issues = [
    { message: 'all wrong' },
    { message: 'odd', path: ['a-b', { key: 0 }, Symbol('s')] },
    { message: 'third' },
    { message: 'fourth' },
  ];
  const error = check(
    schemaOf(() => ({ issues })),
    {},
  ) as EventInvalidError;
  expect(error.issues.map(({ path }) => path)).toEqual(['', '["a-b"][0][Symbol(s)]', '', '']);
  expect(error.message).toMatch(/all wrong; \["a-b"\]\[0\]\[Symbol\(s\)\]: odd; third, and 1 more$/);
});

test('an error carries at most 100 issues', () => {
  const error = check(z.array(z.string()), new Array(1_000).fill(1)) as EventInvalidError;
  expect(error.issues).toHaveLength(100);
});

test('a schema cannot change what is recorded', () => {
  const data = frozenCopy({
    when: new Date(0),
    tags: new Map([['a', new Set([1])]]),
    bytes: new Uint8Array(1),
  });
  const before = structuredClone(data);
  const event = { type: 'T', data, originatorId: 'o', originatorVersion: 1, timestamp: 0 };
  const hostile = schemaOf((value) => {
    const { when, tags, bytes } = value as typeof data;
    when.setTime(1);
    (tags as Map<string, unknown>).clear();
    bytes[0] = 1;
    return { value: data };
  });
  assertFits(hostile, { applicationName: 'orders', action: 'record', event });
  expect(data).toEqual(before);
});

test('large and deep data is compared to its end', () => {
  const many = Array.from({ length: 20_000 }, (_, i) => ({ i }));
  const numbers = z.array(z.looseObject({ i: z.number() }));
  expect(check(numbers, many)).toBeUndefined();
  const lastChanges = numbers.transform((all) => all.map((one) => (one.i === 19_999 ? { i: -1 } : one)));
  expect(check(lastChanges, many)).toMatchObject({ code: 'INVALID_SCHEMA', path: '[19999].i' });
  const deep = (end: string) => Array.from({ length: 300 }).reduce<unknown>((inner) => [inner], end);
  expect(
    check(
      schemaOf(() => ({ value: deep('a') })),
      deep('a'),
    ),
  ).toBeUndefined();
  expect(
    check(
      schemaOf(() => ({ value: deep('b') })),
      deep('a'),
    ),
  ).toMatchObject({ code: 'INVALID_SCHEMA' });
});

test('data in a cycle ends the comparison, and is refused when it is encoded', () => {
  const cycle: Record<string, unknown> = { a: 'x' };
  cycle.self = cycle;
  cycle.other = cycle;
  expect(check(z.any(), cycle)).toBeUndefined();
  expect(
    check(
      schemaOf((value) => ({ value: structuredClone(value) })),
      cycle,
    ),
  ).toBeUndefined();
});
