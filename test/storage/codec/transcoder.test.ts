import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxLevels } from '../../../src/domain/plain-data.ts';
import { type CustomType, defineType } from '../../../src/storage/codec/custom-type.ts';
import { NotDecodableError, NotEncodableError } from '../../../src/storage/codec/errors.ts';
import { Transcoder } from '../../../src/storage/codec/transcoder.ts';
import { anyData, identical, isDeepFrozen, nested } from '../../domain/any-data.ts';
import { seed } from '../../support/seed.ts';

class Money {
  readonly amount: bigint;
  readonly note: unknown;
  private constructor(amount: bigint, note: unknown) {
    this.amount = amount;
    this.note = note;
  }
  static of(amount: bigint, note: unknown = 'none') {
    return new Money(amount, note);
  }
}
const money = defineType({
  name: 'Money',
  type: Money,
  encode: ({ amount, note }) => ({ amount, note }),
  decode: ({ amount, note }) => Money.of(amount, note),
});
const typed: CustomType<Money, { amount: bigint; note: unknown }> = money;
class Weight {}
const weight = defineType({ name: 'Weight', type: Weight, encode: () => null, decode: () => new Weight() });
const transcoder = new Transcoder([typed, weight]);

function refusalOf(value: unknown): NotEncodableError {
  try {
    transcoder.encode(value);
  } catch (error) {
    if (error instanceof NotEncodableError) return error;
    throw error;
  }
  throw new Error('The value was encoded.');
}

describe('a decoded value', () => {
  test('is identical to the encoded value', () => {
    fc.assert(
      fc.property(anyData, (value) => {
        expect(identical(transcoder.decode(transcoder.encode(value)), value)).toBe(true);
      }),
      { numRuns: 2000, seed },
    );
  });

  test('is identical to the encoded value inside custom types', () => {
    fc.assert(
      fc.property(fc.bigInt(), anyData, (amount, note) => {
        const value = { price: Money.of(amount, [note, Money.of(1n, note)]) };
        expect(identical(transcoder.decode(transcoder.encode(value)), value)).toBe(true);
      }),
    );
  });

  test('has frozen objects and arrays', () => {
    fc.assert(fc.property(anyData, (value) => isDeepFrozen(transcoder.decode(transcoder.encode(value)))));
  });

  test('is not frozen with frozen: false', () => {
    const text = transcoder.encode({ list: [new Map([['a', {}]])], $kahn: 1 });
    const state = transcoder.decode(text, { frozen: false }) as {
      list: [Map<string, object>];
      $kahn: number;
    };
    expect([state, state.list, state.list[0].get('a')].some(Object.isFrozen)).toBe(false);
  });

  test.each<[string, unknown]>([
    ['-0', -0],
    ['undefined', undefined],
    ['undefined fields', { a: undefined, b: [undefined] }],
    ['lone surrogates and NUL', ['\ud800', '\udfff\ud800', '\0']],
    ['the first and the last Date', [new Date(-8.64e15), new Date(8.64e15), new Date(-62198755200000)]],
    ['an own __proto__ that needs a tag', JSON.parse('{"__proto__":{"a":1},"b":2}')],
    ['an own __proto__ with a bigint', Object.fromEntries([['__proto__', 1n]])],
    [
      'objects that look tagged',
      [{ $kahn: 'date', value: 'x' }, { $kahn: { $kahn: undefined } }, { $kahn: 1n, a: 2 }],
    ],
    ['a view into a larger buffer', new Uint8Array([1, 2, 3, 4]).subarray(1, 3)],
    ['a value that occurs twice', (({ shared }) => [shared, { shared }])({ shared: { a: 1n } })],
    ['an object frozen before', Object.freeze({ a: Object.freeze([1n]) })],
  ])('is identical to the encoded value: %s', (_, value) => {
    const decoded = transcoder.decode(transcoder.encode(value));
    expect(identical(decoded, value)).toBe(true);
  });

  test('changes neither the original nor any prototype', () => {
    const value = { a: 1n, list: [undefined] };
    transcoder.decode(transcoder.encode(value));
    transcoder.decode('{"__proto__":{"polluted":{"$kahn":"undefined"}}}');
    expect(value).toStrictEqual({ a: 1n, list: [undefined] });
    expect('polluted' in {}).toBe(false);
  });
});

test('plain JSON stands in the text as JSON.stringify prints it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      const value: unknown = JSON.parse(JSON.stringify(json));
      expect(transcoder.encode(value)).toBe(JSON.stringify(value));
    }),
  );
  expect(transcoder.encode({ at: new Date(0), n: 5n, m: new Map([['a', 1]]) })).toBe(
    '{"at":{"$kahn":"date","value":"1970-01-01T00:00:00.000Z"},' +
      '"n":{"$kahn":"bigint","value":"5"},"m":{"$kahn":"map","value":[["a",1]]}}',
  );
});

/** A value to be rejected: text of the reason, how to create the value, and the rest of its path. */
type Bad = [says: string, make: () => unknown, path?: string];
const BAD: Bad[] = [
  ['function', () => () => 1],
  ['symbol', () => Symbol('s')],
  ['NaN', () => Number.NaN],
  ['Infinity', () => -Infinity],
  ['contains itself', selfHoldingArray, '[0]'],
  ['contains itself', selfHoldingObject, '.self'],
  ['instance of Invoice', () => new (class Invoice {})()],
  ['an unnamed class', () => new (class {})()],
  ['without prototype', () => Object.create(null)],
  ['inherits from another object', () => Object.create({})],
  ['instance of Stack', () => new (class Stack extends Array {})()],
  ['instance of Later', () => new (class Later extends Date {})()],
  ['instance of Index', () => new (class Index extends Map {})()],
  ['instance of Promise', () => Promise.resolve()],
  ['instance of Tare', () => new (class Tare extends Weight {})()],
  ['Buffer', () => Buffer.from('a')],
  ['boxed Number', () => Object(1)],
  ['boxed String', () => Object('a')],
  ['boxed BigInt', () => Object(1n)],
  ['invalid Date', () => new Date(Number.NaN)],
  ['prototype of a Date', () => Object.create(Date.prototype)],
  ['prototype of a Map', () => Object.create(Map.prototype)],
  ['prototype of a Set', () => Object.create(Set.prototype)],
  ['prototype of a Uint8Array', () => Object.create(Uint8Array.prototype)],
  ['prototype of an array', () => Object.create(Array.prototype)],
  ["an extra property 'a'", () => Object.assign(new Date(), { a: 1 })],
  ["an extra property 'a'", () => Object.assign(new Map(), { a: 1 })],
  ['sparse', () => Object.assign([1], { 2: 3 }), '[1]'],
  ['sparse', () => new Array(4), '[0]'],
  ['sparse', () => new Array(40), '[0]'],
  ['sparse', () => Object.assign(long(), { 42: 3 }), '[40]'],
  ['extra property of an array', () => Object.assign(long(), { a: 1 }), '.a'],
  ['symbol', () => Object.assign(long(), { [Symbol('s')]: 1 }), '[Symbol(s)]'],
  ['function', () => [...long(), () => {}], '[40]'],
  ['NaN', () => [...long(), Number.NaN], '[40]'],
  ['extra property of an array', () => Object.assign([1], { a: 1 }), '.a'],
  ['extra property of an array', () => Object.defineProperty([1], 'a', { value: 1 }), '.a'],
  [
    'accessor',
    () => ({
      get a() {
        return 1;
      },
    }),
    '.a',
  ],
  ['accessor', () => ({ set a(_: number) {} }), '.a'],
  ['accessor', () => Object.defineProperty([1], 0, { get: () => 1 }), '[0]'],
  ['not enumerable', () => Object.defineProperty({}, 'a', { value: 1 }), '.a'],
  ['not enumerable', () => Object.defineProperty([1], 0, { enumerable: false }), '[0]'],
  ['symbol', () => ({ [Symbol('s')]: 1 }), '[Symbol(s)]'],
  ['symbol', () => Object.assign([1], { [Symbol('s')]: 1 }), '[Symbol(s)]'],
];

/** Returns an array that is checked as a whole. */
function long(): unknown[] {
  return Array.from({ length: 40 }, (_, i) => i);
}

function selfHoldingArray(): unknown {
  const array: unknown[] = [];
  array.push(array);
  return array;
}

function selfHoldingObject(): unknown {
  const object: { self?: unknown } = {};
  object.self = object;
  return object;
}

/** Wraps a value in a container, with the text of the path to it. */
interface Wrapping {
  readonly wrap: (inner: unknown) => unknown;
  readonly path: string;
}

/** Every kind of container, with a sibling that is encoded before the value. */
function wrappingsBeside(sibling: unknown): Wrapping[] {
  const keys = [
    ['price', '.price'],
    ['odd key', '["odd key"]'],
    ['', '[""]'],
    ['$kahn', '.$kahn'],
    ['__proto__', '.__proto__'],
  ] as const;
  const fieldOf = (key: string) => (inner: unknown) =>
    Object.fromEntries([
      ['before', sibling],
      [key, inner],
    ]);
  return [
    ...keys.map(([key, path]) => ({ wrap: fieldOf(key), path })),
    { wrap: (inner) => [sibling, inner], path: '[1]' },
    {
      wrap: (inner) =>
        new Map([
          ['before', sibling],
          ['eur', inner],
        ]),
      path: '.get("eur")',
    },
    {
      wrap: (inner) =>
        new Map<unknown, unknown>([
          ['before', sibling],
          [7, inner],
        ]),
      path: '.get(7)',
    },
    {
      wrap: (inner) =>
        new Map<unknown, unknown>([
          ['before', sibling],
          [[], inner],
        ]),
      path: '.values()[1]',
    },
    {
      wrap: (inner) =>
        new Map<unknown, unknown>([
          ['before', sibling],
          [inner, 1],
        ]),
      path: '.keys()[1]',
    },
    { wrap: (inner) => new Set(['before', [sibling], inner]), path: '.values()[2]' },
    { wrap: (inner) => Money.of(1n, inner), path: '<Money>.note' },
  ];
}

const anyWrapping = anyData.chain((sibling) => fc.constantFrom(...wrappingsBeside(sibling)));

describe('a value that cannot be restored exactly is rejected', () => {
  test.each<Bad>(BAD)('%s', (says, make, path = '') => {
    const error = refusalOf({ items: [0, make()] });
    expect(error).toMatchObject({ code: 'NOT_ENCODABLE', path: `items[1]${path}` });
    expect(error.reason).toContain(says);
    expect(error.message).toBe(`Cannot encode ${error.path}: ${error.reason}.`);
  });

  test('at any path, which the error names', () => {
    fc.assert(
      fc.property(
        fc.array(anyWrapping, { maxLength: 6 }),
        fc.constantFrom(...BAD),
        (wrappings, [says, make, end = '']) => {
          const value = wrappings.reduceRight<unknown>((inner, { wrap }) => wrap(inner), make());
          const error = refusalOf(value);
          expect(error.path).toBe((wrappings.map(({ path }) => path).join('') + end).replace(/^\./, ''));
          expect(error.reason).toContain(says);
        },
      ),
      { numRuns: 1000, seed },
    );
  });

  test('as the whole value', () => {
    expect(refusalOf(Number.NaN).message).toBe(
      'Cannot encode the value: it is NaN; use null or a string instead.',
    );
  });

  test('when a custom type fails', () => {
    const failure = new Error('no rate');
    const failing: CustomType<Money> = {
      ...money,
      encode: () => {
        throw failure;
      },
      decode: () => Money.of(0n),
    };
    const encode = () => new Transcoder([failing]).encode({ price: Money.of(1n) });
    expect(encode).toThrow("Cannot encode price: its type 'Money' failed to encode it: no rate.");
    expect(encode).toThrow(expect.objectContaining({ cause: failure }));
  });
});

describe('nesting is bounded', () => {
  test.each<[string, number, (inner: unknown) => unknown]>([
    ['arrays', maxLevels, (inner) => [inner]],
    ['objects', maxLevels, (inner) => ({ inner })],
    ['escaped objects', maxLevels, (inner) => ({ $kahn: inner })],
    ['Maps', Math.floor(maxLevels / 3), (inner) => new Map([[inner, 1]])],
    ['Sets', maxLevels / 2, (inner) => new Set([inner])],
    ['custom types', maxLevels / 2, (inner) => Money.of(1n, inner)],
  ])('in %s', (_, levels, wrap) => {
    const deepest = nested(levels, wrap, 1n);
    expect(transcoder.encode(transcoder.decode(transcoder.encode(deepest)))).toBe(transcoder.encode(deepest));
    for (const tooMany of [levels + 1, 20_000]) {
      expect(refusalOf(nested(tooMany, wrap, 1n)).reason).toContain('deeper than 1000 levels');
    }
  });

  test('in texts', () => {
    expect(() => transcoder.decode('['.repeat(50_000) + ']'.repeat(50_000))).toThrow(NotDecodableError);
  });
});

describe('texts that cannot be decoded', () => {
  test.each([
    ['', 'it is not JSON'],
    ['{"a":', 'it is not JSON'],
    ['{"$kahn":"Height","value":1}', 'its type "Height" is unknown'],
    ['{"$kahn":5,"value":1}', 'its type 5 is unknown'],
    ['{"$kahn":"undefined","value":1}', 'malformed'],
    ['{"$kahn":"-0","value":1}', 'malformed'],
    ['{"$kahn":"undefined","other":1}', 'malformed'],
    ['{"$kahn":"bigint"}', 'malformed'],
    ['{"$kahn":"bigint","value":"007"}', 'malformed'],
    ['{"$kahn":"bigint","value":7}', 'malformed'],
    ['{"$kahn":"object"}', 'malformed'],
    ['{"$kahn":"object","value":{"a":1}}', 'malformed'],
    ['{"$kahn":"date"}', 'malformed'],
    ['{"$kahn":"date","value":"2026-01-01"}', 'malformed'],
    ['{"$kahn":"date","value":"soon"}', "type 'date' failed"],
    ['{"$kahn":"date","value":"1970-01-01T00:00:00.000Z","zone":"CET"}', 'malformed'],
    ['{"$kahn":"bytes","value":"a"}', 'malformed'],
    ['{"$kahn":"bytes","value":5}', "type 'bytes' failed"],
    ['{"$kahn":"map","value":null}', 'malformed'],
    ['{"$kahn":"map","value":[["a"]]}', 'malformed'],
    ['{"$kahn":"map","value":[["a",1],["a",2]]}', 'malformed'],
    ['{"$kahn":"set","value":"ab"}', 'malformed'],
    ['{"$kahn":"set","value":[1,1]}', 'malformed'],
    ['{"$kahn":"Money","value":null}', "type 'Money' failed"],
  ])('%s', (text, reason) => {
    for (const whole of text.startsWith('{"$') ? [text, `[{"a":${text}}]`] : [text]) {
      const decode = () => transcoder.decode(whole);
      expect(decode).toThrow(NotDecodableError);
      expect(decode).toThrow(
        expect.objectContaining({ code: 'NOT_DECODABLE', reason: expect.stringContaining(reason) }),
      );
    }
  });

  test('keep the cause', () => {
    expect(() => transcoder.decode('nope')).toThrow(
      expect.objectContaining({ cause: expect.any(SyntaxError) }),
    );
    const text = '{"$kahn":"Money","value":null}';
    expect(() => transcoder.decode(text)).toThrow(expect.objectContaining({ cause: expect.any(TypeError) }));
  });
});
