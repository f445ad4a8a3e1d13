import { expect, test } from 'vitest';
import { allPages, codeBlocks } from './docs/pages.ts';

const [readme] = allPages();
const [first] = readme === undefined ? [] : codeBlocks(readme);

// docs/code-blocks.test.ts compiles and runs the code, and compares its output, as for all pages.
test('the code of the README has 25 lines, imports everything it uses, and shows its output', () => {
  expect(first?.code.trim().split('\n')).toHaveLength(25);
  expect(first?.setup).toBe('');
  expect(first?.runs).toBe(true);
  expect(first?.output).toContain('2 Order.Reserved');
});
