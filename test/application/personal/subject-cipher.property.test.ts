import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  idOfKey,
  keyIdOf,
  newKeyText,
  SubjectCipher,
} from '../../../src/application/personal/subject-cipher.ts';
import { propertyRuns } from '../../support/seed.ts';

function cipherWith(keyText: string, subject = 'c-1'): SubjectCipher {
  const cipher = new SubjectCipher(subject, idOfKey(keyText));
  cipher.learn(keyText);
  return cipher;
}
const json = fc.jsonValue().map((value) => JSON.stringify(value));

test('opens what it has sealed, and seals equal contents equally', () => {
  fc.assert(
    fc.property(json, (content) => {
      const keyText = newKeyText();
      const sealed = cipherWith(keyText).seal(content);
      expect(keyIdOf(sealed)).toBe(idOfKey(keyText));
      expect(JSON.parse(cipherWith(keyText).open(sealed) as string)).toEqual(JSON.parse(content));
      expect(cipherWith(keyText).seal(content)).toBe(sealed);
      expect(cipherWith(newKeyText()).seal(content)).not.toBe(sealed);
    }),
    propertyRuns(100, 2_000),
  );
});

test('opens no text that was changed in any bit, cut, or sealed for another subject or with another key', () => {
  fc.assert(
    fc.property(json, fc.nat(), fc.nat({ max: 7 }), (content, place, bit) => {
      const keyText = newKeyText();
      const cipher = cipherWith(keyText);
      const sealed = cipher.seal(content);
      const bytes = Buffer.from(sealed, 'base64');
      const index = 9 + (place % (bytes.length - 9)); // the first bytes name the key
      bytes[index] = (bytes[index] as number) ^ (1 << bit);
      expect(cipher.open(bytes.toString('base64'))).toBeUndefined();
      expect(cipher.open(sealed.slice(0, place % sealed.length))).toBeUndefined();
      expect(cipher.open(`${sealed}AAAA`)).toBeUndefined();
      expect(cipherWith(keyText, 'c-2').open(sealed)).toBeUndefined();
      expect(cipherWith(newKeyText()).open(sealed)).toBeUndefined();
    }),
    propertyRuns(100, 2_000),
  );
});

test('has no key after it was deleted, whatever it learns', () => {
  const keyText = newKeyText();
  const cipher = cipherWith(keyText);
  cipher.delete();
  cipher.learn(keyText);
  expect([cipher.isDeleted, cipher.hasKey, cipher.text]).toEqual([true, false, undefined]);
});
