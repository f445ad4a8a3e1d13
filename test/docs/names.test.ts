import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { doors } from '../../scripts/public-names.ts';
import { allPages, root } from './pages.ts';

const words = new Set(
  ['src', 'examples', 'test/support', 'test/runner', 'bench', 'node_modules/@types/node']
    .flatMap((directory) => filesIn(directory))
    .flatMap((file) => readFileSync(join(root, file), 'utf8').match(/[\w$]+/g) ?? []),
);

function filesIn(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|js)$/.test(file))
    .map((file) => join(directory, file));
}

test('every identifier that a page names exists in the sources', () => {
  const named = allPages()
    .map(({ path, text }) => ({ path, text: withoutOthers(path, text) }))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/`(?:new |await |[a-z]\w*\.)?([A-Za-z_]\w*)(?:\([^`]*\))?`/g)].map(
        ([, name = '']) => ({ path, name }),
      ),
    )
    .filter(({ name }) => /[a-z][A-Z]|^[A-Z][a-z]+$|^[A-Z]+_[A-Z]/.test(name));
  const unknown = named.filter(({ name }) => !words.has(name) && !foreign.has(name));
  expect(named.length).toBeGreaterThan(300);
  expect(unknown.map(({ path, name }) => `${path}: ${name}`)).toEqual([]);
});

test('the page of public names has every entry point', () => {
  const page = allPages().find(({ path }) => path === 'docs/api.md')?.text ?? '';
  expect([...doors().keys()].filter((door) => !page.includes(`<!-- names: ${door} -->`))).toEqual([]);
});

/** Returns a page without names of another library and former names. */
function withoutOthers(path: string, text: string): string {
  if (path === 'docs/reference.md') return text.replaceAll(/^\| .*? \| /gm, '| ');
  if (path === 'docs/decisions/019-rooms-and-names.md') return text.replaceAll(/^\| .*? \| /gm, '| ');
  return text;
}

/** Names of other software, and codes that the sources put together. */
const foreign = new Set([
  'PromptFailed',
  'RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE',
  'KAHN_PROCESS_TERMINATED',
  'KAHN_THREAD_TERMINATED',
  'setConfig',
]);
