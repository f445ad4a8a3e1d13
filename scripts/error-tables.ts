import { StorageError } from '../src/storage/errors.ts';
import { driverErrors, serverErrors } from '../src/storage/postgres/error-table.ts';
import type { ErrorRule, ErrorTable } from '../src/storage/sql/error-table.ts';
import { nodeErrors, resultCodes } from '../src/storage/sqlite/error-table.ts';

const tables: Readonly<Record<string, ErrorTable>> = { serverErrors, driverErrors, resultCodes, nodeErrors };
const table = /(<!-- errors: (\w+) -->\n)[\s\S]*?(<!-- \/errors -->)/g;

/** Returns the page with its tables of errors updated from the sources. */
export function withErrorTables(markdown: string): string {
  return markdown.replaceAll(table, (_, begin: string, name: string, end: string) => {
    const errors = tables[name];
    if (errors === undefined) throw new Error(`There is no table of errors ${name}.`);
    return `${begin}${errorTable(errors)}${end}`;
  });
}

function errorTable({ rules }: ErrorTable): string {
  const head =
    '| error | meaning | code | followers | connection | a failed commit |\n|---|---|---|---|---|---|\n';
  return `${head}${rules.map(row).join('')}`;
}

function row({ error, meaning, code, connection, commit }: ErrorRule): string {
  const followers = new StorageError(code, '', '').transient ? 'retry' : 'stop';
  const name = error === '*' ? 'others' : `\`${error}\``;
  return `| ${name} | ${meaning} | \`${code}\` | ${followers} | ${connection} | ${commit} |\n`;
}
