import { copyFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { sqlite } from 'kahn/sqlite';
import { expect, it } from 'vitest';
import { DirectoryLayout } from '../../../src/storage/sqlite/layout/directory-layout.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { temporaryDirectory } from '../../support/storages.ts';

const longName = `Buchungen/${'ü'.repeat(80)}`;
const names = ['Orders', 'a/b %41', longName, '注文 🛒'].toSorted((a, b) =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)),
);

async function namesIn(directory: string): Promise<readonly string[]> {
  return (await openStorage(sqlite({ directory }))).applicationNames();
}

async function setUp(directory: string, applicationName: string): Promise<void> {
  const storage = await openStorage(sqlite({ directory, synchronous: 'NORMAL' }));
  await (await storage.openRecorder({ applicationName, setupTables: true })).close();
}

/** Creates the file of an application as an earlier release did. */
function earlierFile(directory: string, applicationName: string, version = 2): void {
  const file = new URL(`./fixtures/version-${version}/orders.sqlite`, import.meta.url);
  copyFileSync(fileURLToPath(file), new DirectoryLayout(directory, 0).fileOf(applicationName).path);
}

it('are the real names, although file names are escaped or cut', async () => {
  const directory = temporaryDirectory();
  for (const name of names) await setUp(directory, name);
  expect(await namesIn(directory)).toEqual(names);
  expect(readdirSync(directory)).toHaveLength(names.length); // nothing was left behind
});

it('are decoded from file names of earlier releases, and real after the upgrade', async () => {
  const directory = temporaryDirectory();
  for (const [index, name] of names.entries()) earlierFile(directory, name, 1 + (index % 2));
  expect(await namesIn(directory)).toEqual(names.filter((name) => name !== longName));
  await setUp(directory, longName);
  expect(await namesIn(directory)).toEqual(names);
});

it('are found while a process has the files open', async () => {
  const directory = temporaryDirectory();
  const storage = await openStorage(sqlite({ directory }));
  const recorder = await storage.openRecorder({ applicationName: longName, setupTables: true });
  using writer = new DatabaseSync(new DirectoryLayout(directory, 0).fileOf(longName).path);
  writer.exec('begin immediate');
  expect(await namesIn(directory)).toEqual([longName]);
  writer.exec('rollback');
  await recorder.close();
});

it('of a copy are that of its file name', async () => {
  const directory = temporaryDirectory();
  await setUp(directory, 'orders');
  renameSync(join(directory, 'orders.sqlite'), join(directory, 'orders-of-may.sqlite'));
  expect(await namesIn(directory)).toEqual(['orders-of-may']);
});

it('are rejected if the directory does not exist', async () => {
  const directory = join(temporaryDirectory(), 'missing');
  await expect(namesIn(directory)).rejects.toMatchObject({
    code: 'STORAGE_MISSING',
    message: `kahn cannot use '${directory}': the directory does not exist.`,
  });
  expect(await namesIn(temporaryDirectory())).toEqual([]);
});

it('leave out and do not change files of other programs', async () => {
  const directory = temporaryDirectory();
  await setUp(directory, 'orders');
  writeFileSync(join(directory, 'diary.sqlite'), 'dear diary, '.repeat(1_000));
  writeFileSync(join(directory, 'empty.sqlite'), '');
  writeFileSync(join(directory, 'note.txt'), 'text');
  using other = new DatabaseSync(join(directory, 'other.sqlite'));
  other.exec('pragma journal_mode = wal; create table diary (text)');
  const files = readdirSync(directory);
  expect(await namesIn(directory)).toEqual(['orders']);
  expect(readdirSync(directory)).toEqual(files);
});

it('are rejected if a file of kahn is damaged, and the message names the file', async () => {
  const directory = temporaryDirectory();
  await setUp(directory, 'orders');
  await truncate(join(directory, 'orders.sqlite'), 5_000);
  await expect(namesIn(directory)).rejects.toMatchObject({
    code: 'STORAGE_CORRUPT',
    message: expect.stringMatching(/'orders' cannot use '.*orders\.sqlite'/),
  });
});

it('are rejected if the directory is a file', async () => {
  const file = join(temporaryDirectory(), 'note');
  writeFileSync(file, 'text');
  await expect(namesIn(file)).rejects.toMatchObject({
    code: 'STORAGE_UNWRITABLE',
    message: expect.stringContaining(`kahn cannot use '${file}'`),
  });
});
