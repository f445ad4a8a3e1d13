import { postgres } from 'kahn/postgres';
import { expect, it, onTestFinished } from 'vitest';
import { openStorage } from '../../../../src/storage/storage.ts';
import type { SubjectKeyTable } from '../../../../src/storage/subject-keys.ts';
import { query } from '../../../support/servers/postgres.ts';
import { PostgresServer } from '../../../support/servers/postgres-server.ts';
import { until } from '../../../support/until.ts';
import { isOnDisk } from '../table-file.ts';

async function open(connectionString: string): Promise<SubjectKeyTable | undefined> {
  const storage = await openStorage(postgres({ connectionString, schema: 'shop' }));
  onTestFinished(() => storage.close());
  return storage.openSubjectKeys?.({ setupTables: true });
}

it('a key deleted by a role that may not vacuum is removed from the file by autovacuum', async () => {
  await using server = await PostgresServer.start(['-c', 'autovacuum_naptime=1s']);
  const owners = await open(server.url());
  const keys = Array.from({ length: 1_000 }, (_, index) => ({
    subject: `subject ${index}`,
    key: `secret ${index}.`,
  }));
  await owners?.add(keys);
  await query("create role app login password 'secret'", [], server.url());
  await query('grant usage on schema shop to app', [], server.url());
  await query('grant select, insert, update on all tables in schema shop to app', [], server.url());
  const url = new URL(server.url());
  url.username = 'app';
  url.password = 'secret';
  expect(await (await open(url.href))?.delete('subject 500', 5)).toBe(true);
  await until('the key is removed', async () => !(await isOnDisk(server.url(), 'secret 500.')));
  expect(await isOnDisk(server.url(), 'secret 501.')).toBe(true);
});
