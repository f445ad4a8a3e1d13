import { describe, expect, test } from 'vitest';
import { type CustomType, defineType } from '../../../src/storage/codec/custom-type.ts';
import { Transcoder } from '../../../src/storage/codec/transcoder.ts';

class Weight {
  readonly grams: number;
  constructor(grams: number) {
    this.grams = grams;
  }
}
class Height {}
const weight = defineType({
  name: 'Weight',
  type: Weight,
  encode: ({ grams }) => grams,
  decode: (grams) => new Weight(grams),
});

describe('custom types are rejected with', () => {
  test.each<[string, CustomType[]]>([
    ['the same name twice', [weight, { ...weight, type: Height }]],
    ['the same class twice', [weight, { ...weight, name: 'Mass' }]],
    ['no name', [{ ...weight, name: '' }]],
    ['a plain object', [{ ...weight, type: Object }]],
    ['an array', [{ ...weight, type: Array }]],
    ['a built-in class', [{ ...weight, type: Date }]],
    ...['undefined', '-0', 'bigint', 'object', 'date', 'map', 'set', 'bytes'].map(
      (name): [string, CustomType[]] => [`the name ${name}`, [{ ...weight, name }]],
    ),
  ])('%s', (_, types) => {
    expect(() => new Transcoder(types)).toThrow(expect.objectContaining({ code: 'INVALID_CUSTOM_TYPE' }));
  });
});

test.each<[string, unknown, string]>([
  [
    'nothing',
    undefined,
    'Custom type undefined cannot be registered: it is undefined; make it with defineType({ … }).',
  ],
  [
    'no decode',
    { name: 'Money', type: class Money {}, encode: String },
    "'Money' cannot be registered: its 'decode' must be a function, not undefined",
  ],
  [
    'no encode',
    { name: 'Money', type: class Money {}, decode: String },
    "its 'encode' must be a function, not undefined",
  ],
])(
  'a custom type with %s is rejected when it is defined, and when it is registered',
  (_, definition, message) => {
    expect(() => defineType(definition as never)).toThrow(message);
    expect(() => new Transcoder([definition as never])).toThrow(message);
  },
);
