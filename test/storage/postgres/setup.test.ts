import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { postgres } from 'kahn/postgres';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { connectionString, query, temporarySchema } from '../../support/servers/postgres.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { inProcesses } from './concurrency/start-children.ts';

async function openOrders(
  schema: string,
  { setupTables = true, applicationName = 'orders', url = connectionString } = {},
): Promise<Recorder> {
  const openedStorage = await openStorage(postgres({ connectionString: url, schema }));
  onTestFinished(() => openedStorage.close());
  return openedStorage.openRecorder({ applicationName, setupTables });
}

/** Returns the tables and indexes of the schema, ordered by name. */
async function relationsIn(schema: string): Promise<string[]> {
  const rows = await query(
    'select relname, oid::text from pg_class where relnamespace = (select oid from pg_namespace where nspname = $1) order by 1',
    [schema],
  );
  return rows.map(({ relname, oid }) => `${relname} ${oid}`);
}

async function tablesIn(schema: string): Promise<string[]> {
  const rows = await query('select tablename from pg_tables where schemaname = $1 order by 1', [schema]);
  return rows.map(({ tablename }) => tablename);
}

const ofOrders = [
  'kahn_applications',
  'kahn_subjects',
  'orders_commands',
  'orders_events',
  'orders_logs',
  'orders_operations',
  'orders_parked',
  'orders_positions',
  'orders_snapshots',
];

describe('the tables', () => {
  it('are created once although ten processes open the application at once', async () => {
    const schema = temporarySchema();
    const outcomes = await inProcesses(Array.from({ length: 10 }, () => ({ name: 'open', schema })));
    expect(outcomes).toEqual(Array(10).fill(0));
    expect(await tablesIn(schema)).toEqual(ofOrders);
    expect(await query(`select * from ${schema}.kahn_applications order by 1`)).toEqual([
      { application_name: '', version: 1 },
      { application_name: 'orders', version: 6 },
    ]);
  });

  it('are not changed when the application is opened again', async () => {
    const schema = temporarySchema();
    await openOrders(schema);
    const before = await relationsIn(schema);
    expect(before.length).toBeGreaterThan(5);
    await openOrders(schema);
    await openOrders(schema, { setupTables: false });
    expect(await relationsIn(schema)).toEqual(before);
  });

  it('of applications with similar names are separate', async () => {
    const schema = temporarySchema();
    const names = ['orders', '_orders', 'Orders', 'orders_events', 'o"r', 'n'.repeat(200), 'n'.repeat(201)];
    for (const applicationName of names) {
      const recorder = await openOrders(schema, { applicationName });
      const events = [
        { originatorId: 'a', originatorVersion: 1, type: 'Made', data: applicationName, timestamp: 0 },
      ];
      await recorder.record(0, [{ events, snapshots: [] }]);
    }
    for (const applicationName of names) {
      const recorder = await openOrders(schema, { applicationName, setupTables: false });
      expect(await recorder.notifications(0, 0, 10)).toMatchObject([{ id: 1, data: applicationName }]);
    }
  });

  it('are not created with setupTables: false', async () => {
    const schema = temporarySchema();
    const refused = {
      code: 'STORAGE_NOT_SET_UP',
      applicationName: 'orders',
      message: expect.stringMatching(/unless setupTables is false/),
    };
    await expect(openOrders(schema, { setupTables: false })).rejects.toMatchObject(refused);
    expect(await query('select from pg_namespace where nspname = $1', [schema])).toEqual([]);
    await openOrders(schema, { applicationName: 'payments' });
    const before = await relationsIn(schema);
    await expect(openOrders(schema, { setupTables: false })).rejects.toMatchObject(refused);
    expect(await relationsIn(schema)).toEqual(before);
  });

  it('are rejected if a later release created them', async () => {
    const schema = temporarySchema();
    await openOrders(schema);
    await query(`update ${schema}.kahn_applications set version = 7 where application_name = 'orders'`);
    const refused = { code: 'STORAGE_NEWER', message: expect.stringMatching(/version 7.* knows 6/) };
    await expect(openOrders(schema)).rejects.toMatchObject(refused);
    await expect(openOrders(schema, { setupTables: false })).rejects.toMatchObject(refused);
    expect(await query(`select version from ${schema}.kahn_applications order by 1`)).toEqual([
      { version: 1 },
      { version: 7 },
    ]);
  });

  it.each(['events', 'logs', 'positions', 'snapshots', 'operations', 'commands'])(
    'are not created if there is a foreign table of %s, which is not changed',
    async (what) => {
      const schema = temporarySchema();
      await query(`create schema ${schema}`);
      await query(`create table ${schema}.orders_${what} (note text)`);
      await query(`insert into ${schema}.orders_${what} values ('mine')`);
      const before = await relationsIn(schema);
      await expect(openOrders(schema)).rejects.toMatchObject({
        code: 'STORAGE_FOREIGN',
        message: expect.stringContaining(`orders_${what}`),
      });
      expect(await relationsIn(schema)).toEqual(before);
      expect(await query(`select * from ${schema}.orders_${what}`)).toEqual([{ note: 'mine' }]);
    },
  );

  it('are reported as missing after they were dropped', async () => {
    const schema = temporarySchema();
    const recorder = await openOrders(schema);
    await query(`drop schema ${schema} cascade`);
    await expect(recorder.head(0)).rejects.toMatchObject({ code: 'STORAGE_NOT_SET_UP' });
  });
});

it('says how to install the driver if it is missing', () => {
  const project = temporaryDirectory();
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  mkdirSync(`${project}/node_modules`);
  for (const path of ['src', 'package.json', 'node_modules/uuid'])
    cpSync(`${root}${path}`, `${project}/${path}`, { recursive: true });
  const script = `
    import { memory } from 'kahn';
    import { postgres } from 'kahn/postgres';
    import { openStorage } from './src/storage/storage.ts';
    await openStorage(memory());
    await openStorage(postgres()).catch(({ code, message }) => console.log(code, message));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=kahn-source', '--input-type=module', '--eval', script],
    { cwd: project, encoding: 'utf8' },
  );
  expect(`${stdout}${stderr}`).toBe(
    "INVALID_STORAGE postgres() needs the driver 'pg', which is not installed. Run: npm install pg\n",
  );
});
