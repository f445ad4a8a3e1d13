import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { withErrorTables } from './error-tables.ts';
import { withExampleFiles } from './example-files.ts';
import { documentedInterfaces, withOptionTables } from './option-tables.ts';
import { withPublicNames } from './public-names.ts';

// Writes the parts of the pages that come from the sources: tables of options, errors and names, and files of the examples.
const interfaces = documentedInterfaces();
const docs = new URL('../docs/', import.meta.url);

for (const name of readdirSync(docs).filter((file) => file.endsWith('.md'))) {
  const page = new URL(name, docs);
  const before = readFileSync(page, 'utf8');
  const after = withErrorTables(withPublicNames(withExampleFiles(withOptionTables(before, interfaces))));
  if (after !== before) writeFileSync(page, after);
}
