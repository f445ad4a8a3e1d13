import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { StorageDescription } from 'kahn';
import { openStorage } from '../../../src/storage/storage.ts';
import { query } from '../servers/postgres.ts';

/** Returns everything that a storage holds: the bytes of SQLite files, the rows of PostgreSQL tables, and what memory returns. */
export async function storedBytes(storage: StorageDescription): Promise<Buffer> {
  const { file, directory, schema } = storage.options;
  if (typeof file === 'string') return bytesIn(dirname(file));
  if (typeof directory === 'string') return bytesIn(directory);
  if (typeof schema === 'string') return Buffer.from(await rowsIn(schema));
  return Buffer.from(await textsIn(storage));
}

function bytesIn(directory: string): Buffer {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const files = names.map((name) => join(directory, name)).filter((path) => statSync(path).isFile());
  return Buffer.concat(files.map((path) => readFileSync(path)));
}

async function rowsIn(schema: string): Promise<string> {
  const tables: { tablename: string }[] = await query(
    'select tablename from pg_tables where schemaname = $1',
    [schema],
  );
  const texts: string[] = [];
  for (const { tablename } of tables) {
    const rows: { row: string }[] = await query(`select t::text as row from "${schema}"."${tablename}" t`);
    texts.push(...rows.map(({ row }) => row));
  }
  return texts.join('\n');
}

async function textsIn(storage: StorageDescription): Promise<string> {
  const opened = await openStorage(storage);
  const texts: unknown[] = [];
  for (const applicationName of await opened.applicationNames()) {
    const recorder = await opened.openRecorder({ applicationName, setupTables: false });
    const notifications = await recorder.notifications(0, 0, 1_000_000);
    const ids = [...new Set(notifications.map(({ originatorId }) => originatorId))];
    const requests = ids.map((originatorId) => ({ originatorId, after: 0, useSnapshot: true }));
    texts.push(notifications, await recorder.histories(requests), await recorder.operations(0, 1_000));
    await recorder.close();
  }
  await opened.close();
  return JSON.stringify(texts);
}

/** Reads the key of a subject; undefined if it is deleted or missing. */
export async function storedKey(storage: StorageDescription, subject: string): Promise<string | undefined> {
  const opened = await openStorage(storage);
  const keys = await opened.openSubjectKeys?.({ setupTables: true });
  const [entry] = (await keys?.read([subject])) ?? [];
  await keys?.close();
  await opened.close();
  return entry?.key;
}
