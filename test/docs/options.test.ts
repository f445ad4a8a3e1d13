import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { withErrorTables } from '../../scripts/error-tables.ts';
import { withExampleFiles } from '../../scripts/example-files.ts';
import {
  type DocumentedInterface,
  documentedInterfaces,
  isLiteral,
  withOptionTables,
} from '../../scripts/option-tables.ts';
import { withPublicNames } from '../../scripts/public-names.ts';
import type { OptionRule } from '../../src/util/options.ts';
import { allPages, root } from './pages.ts';

const interfaces = documentedInterfaces();
const withRules = [...interfaces.values()].filter(({ rules }) => rules !== undefined);

test('the tables and files in the pages match the sources', () => {
  const stale = allPages().filter(
    ({ text }) =>
      withErrorTables(withPublicNames(withExampleFiles(withOptionTables(text, interfaces)))) !== text,
  );
  expect(
    stale.map(({ path }) => path),
    'pages to update with `npm run docs`',
  ).toEqual([]);
});

test('every interface of options that has rules has a table in docs/', () => {
  const text = allPages()
    .map((page) => page.text)
    .join('');
  const missing = withRules.filter(({ name }) => !text.includes(`<!-- options: ${name} -->\n`));
  expect(withRules.length).toBeGreaterThan(5);
  expect(missing.map(({ name }) => name)).toEqual([]);
});

test.each(withRules)('the options of $name are documented with their defaults', async (documented) => {
  const rules = await rulesOf(documented);
  for (const { name, default: byDefault, description } of documented.options) {
    const option = `${documented.name}.${name}`;
    expect(description, `the doc comment of ${option}`).not.toBe('');
    if (byDefault !== undefined && isLiteral(byDefault)) {
      expect(rules[name]?.default, `the default of ${option}`).toEqual(literalValue(byDefault));
    } else {
      // A default in words, such as "none" or "real time", stands for an object, or for a value that the owner of the
      // options makes.
      expect(['undefined', 'object'], `the default of ${option}`).toContain(typeof rules[name]?.default);
    }
  }
});

async function rulesOf({
  rules,
}: DocumentedInterface): Promise<Readonly<Record<string, OptionRule<unknown>>>> {
  const module = await import(pathToFileURL(join(root, rules?.file ?? '')).href);
  return module[rules?.name ?? ''];
}

/** The value of a literal of TypeScript. */
function literalValue(literal: string): unknown {
  return JSON.parse(literal.replaceAll("'", '"').replaceAll(/(?<=\d)_(?=\d)/g, ''));
}
