import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Returns the texts of a test file, whose path begins in test/, and of all it imports: contracts are written there. */
export function textsOf(test: string): readonly string[] {
  const texts = new Map<string, string>();
  const add = (path: string) => {
    if (texts.has(path)) return;
    const text = readFileSync(path, 'utf8');
    texts.set(path, text);
    for (const [, imported = ''] of text.matchAll(/ from '(\.[^']+\.ts)'/g))
      add(join(dirname(path), imported));
  };
  add(join(root, 'test', test));
  return [...texts.values()];
}

/** Returns whether a text contains a title as it is, or the title of a table of tests that fits. */
export function hasTitle(text: string, title: string): boolean {
  if (text.replaceAll("\\'", "'").includes(title)) return true;
  return [...text.matchAll(/'([^'\n]*%[so][^'\n]*)'/g)].some(([, table = '']) => {
    const parts = table.split(/%[so]/);
    const pattern = new RegExp(`^${parts.map((part) => RegExp.escape(part)).join('.+')}$`);
    return parts.some((part) => /[a-z] [a-z]/.test(part)) && pattern.test(title);
  });
}
