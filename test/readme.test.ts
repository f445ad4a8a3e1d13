import { expect, test } from 'vitest';
import { allPages, codeBlocks } from './docs/pages.ts';

const [readme] = allPages();
const [first] = readme === undefined ? [] : codeBlocks(readme);

// That it compiles, runs and prints what the page says is tested in docs/code-blocks.test.ts, as for all pages.
test('the code of the README has 25 lines, imports all it uses, and shows what it prints', () => {
  expect(first?.code.trim().split('\n')).toHaveLength(25);
  expect(first?.setup).toBe('');
  expect(first?.runs).toBe(true);
  expect(first?.output).toContain('2 Order.Reserved');
});
