import { expect, test } from 'vitest';
import { broken } from './defect.ts';
import { defects } from './defects.ts';
import { hasTitle, textsOf } from './titles.ts';
import { sourceOf } from './working-copy.ts';

test.each(defects)('$breaks: the code has the place, and there is a test', (defect) => {
  const source = sourceOf(defect);
  expect(broken(defect, source)).not.toBe(source);
  expect(textsOf(defect.test).filter((text) => hasTitle(text, defect.title))).not.toEqual([]);
});

test('every defect is another one', () => {
  expect(new Set(defects.map(({ breaks }) => breaks)).size).toBe(defects.length);
  expect(new Set(defects.map(({ file, from, to }) => `${file} ${from} ${to}`)).size).toBe(defects.length);
});
