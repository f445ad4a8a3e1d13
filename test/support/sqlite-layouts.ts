import { join } from 'node:path';
import type { DatabaseFile } from '../../src/storage/sqlite/layout/file.ts';
import { layoutOf } from '../../src/storage/sqlite/layout/layouts.ts';
import { settingsFrom } from '../../src/storage/sqlite/options.ts';

/** A layout of SQLite files, for suites that run on each. */
export interface SqliteLayout {
  readonly name: 'file' | 'directory';
  /** Options of `sqlite()` that keep a system in a directory. */
  optionsIn(directory: string): { readonly file: string } | { readonly directory: string };
  /** File and tables of an application. */
  fileOf(directory: string, applicationName: string): DatabaseFile;
}

function layout(name: SqliteLayout['name'], optionsIn: SqliteLayout['optionsIn']): SqliteLayout {
  return {
    name,
    optionsIn,
    fileOf: (directory, applicationName) =>
      layoutOf(settingsFrom(optionsIn(directory))).fileOf(applicationName),
  };
}

export const sqliteLayouts: readonly SqliteLayout[] = [
  layout('file', (directory) => ({ file: join(directory, 'shop.db') })),
  layout('directory', (directory) => ({ directory })),
];
