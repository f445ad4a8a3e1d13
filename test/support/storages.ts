import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory, type StorageDescription } from 'kahn';
import { type SqliteOptions, sqlite } from 'kahn/sqlite';
import { onTestFinished } from 'vitest';
import type { ApplicationFile } from '../../src/storage/sqlite/layout/file.ts';
import { layoutOf } from '../../src/storage/sqlite/layout/layouts.ts';
import { settingsFrom } from '../../src/storage/sqlite/options.ts';
import { temporaryPostgres } from './servers/postgres.ts';
import { byTier } from './tier.ts';

/** Creates a directory for the running test, and removes it when the test has finished. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'kahn-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A layout of SQLite files, for suites that run on each. */
export interface SqliteLayout {
  readonly name: 'file' | 'directory';
  /** Options of `sqlite()` that keep a system in a directory. */
  optionsIn(directory: string): SqliteOptions;
  /** File and tables of an application. */
  fileOf(directory: string, applicationName: string): ApplicationFile;
}

function layout(name: SqliteLayout['name'], optionsIn: SqliteLayout['optionsIn']): SqliteLayout {
  return {
    name,
    optionsIn,
    fileOf: (directory, applicationName) =>
      layoutOf(settingsFrom(optionsIn(directory))).fileOf(applicationName),
  };
}

/** One file for the whole system, the default of the tests. */
export const oneFile: SqliteLayout = layout('file', (directory) => ({ file: join(directory, 'shop.db') }));

export const sqliteLayouts: readonly SqliteLayout[] = [
  oneFile,
  layout('directory', (directory) => ({ directory })),
];

/** Returns an empty SQLite file for the running test. */
export function temporarySqlite(): StorageDescription {
  return sqlite({ ...oneFile.optionsIn(temporaryDirectory()), synchronous: 'NORMAL' });
}

/** All storages. `create` returns an empty one for the running test. */
export const storages: readonly { readonly name: string; create(): StorageDescription }[] = [
  { name: 'memory', create: () => memory() },
  { name: 'sqlite', create: () => temporarySqlite() },
  { name: 'postgres', create: () => temporaryPostgres() },
];

/** The storages that processes share: SQLite in the quick tier, PostgreSQL in the exhaustive one. */
export const storagesOfProcesses: typeof storages = storages.filter(
  ({ name }) => name === byTier('sqlite', 'postgres'),
);
