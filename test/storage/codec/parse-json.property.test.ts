import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from '../../../src/storage/codec/parse-json.ts';
import { propertyRuns } from '../../support/seed.ts';

/** Keys that begin with the text of an escape, and keys that are written with escapes. */
const key = fc.oneof(
  fc.constantFrom('', '\\', 'a\\n', 'a\nb', 'a\\"', 'a"b', '\ud800', '__proto__', '1', 'k0', '\n', '"'),
  fc.string({ maxLength: 3 }),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(null, true, 0, '', '\\', '":', '\\":', 'k0'),
    fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(tie('tree'), { maxLength: 3 }),
  ),
}));

test('restores keys with escapes, whatever was parsed before', () => {
  const before = ['{"":1,"\\\\":2}', '{"a\\\\n":1}', '{"\\\\":1}'];
  for (const text of before) expect(JSON.stringify(parseJson(text))).toBe(text);
  for (const text of ['{"":1,"\\ud800":2}', '{"a\\nb":1}', '{"\\u0041":1}', '{"\\n":{"\\"":[{"\\t":1}]}}']) {
    const object = parseJson(text);
    expect(JSON.stringify(object)).toBe(text.replace('\\u0041', 'A'));
  }
});

test('parses what JSON.stringify() writes', () => {
  fc.assert(
    fc.property(tree, (value) => {
      const text = JSON.stringify(value);
      expect(JSON.stringify(parseJson(text))).toBe(text);
    }),
    propertyRuns(1_000, 50_000),
  );
});

test('refuses texts that are not JSON', () => {
  for (const text of ['{"\\x":1}', '{', '"\\"', '']) expect(() => parseJson(text)).toThrow(SyntaxError);
});
