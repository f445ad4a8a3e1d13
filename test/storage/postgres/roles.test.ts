import { SingleThreadedRunner } from 'kahn';
import { type PostgresOptions, postgres } from 'kahn/postgres';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import type { SubjectKeyTable } from '../../../src/storage/subject-keys.ts';
import { connectionString, query, temporarySchema } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';

let schema: string;

beforeEach(() => {
  schema = temporarySchema();
});

/** Creates a role that may only connect, and returns its connection string. */
async function temporaryRole(): Promise<{ role: string; url: string }> {
  const role = freshName('role');
  await query(`create role ${role} login password 'secret'`);
  onTestFinished(async () => {
    await query(`drop owned by ${role} cascade`);
    await query(`drop role ${role}`);
  });
  const url = new URL(connectionString);
  url.username = role;
  url.password = 'secret';
  return { role, url: url.href };
}

/** Runs the shop with the rights of a role. */
async function runShop(url: string, orders = 3): Promise<boolean[]> {
  const storage = postgres({ connectionString: url, schema });
  await using runner = await SingleThreadedRunner.start(shop, { storage });
  const ids = [];
  for (let i = 0; i < orders; i += 1) ids.push(await runner.get(Orders).place('ada'));
  return Promise.all(ids.map(async (id) => (await runner.get(Orders).get(id)).done));
}

/** Rights to run the system, granted by the owner of the tables, and again after applications are added. */
function rightsToAppend(role: string): string {
  return `
    grant usage on schema ${schema} to ${role};
    grant select on all tables in schema ${schema} to ${role};
    do $$
    declare
      name text;
    begin
      for name in select tablename from pg_tables where schemaname = '${schema}' loop
        if name ~ '_(events|logs|positions|snapshots|operations|commands|parked)$' then
          execute format('grant insert on ${schema}.%I to ${role}', name);
        end if;
        if name ~ '_(logs|positions|snapshots|parked)$' then
          execute format('grant update on ${schema}.%I to ${role}', name);
        end if;
        if name ~ '_(commands|parked)$' then
          execute format('grant delete on ${schema}.%I to ${role}', name);
        end if;
        if name = 'kahn_subjects' then
          execute format('grant insert, update on ${schema}.%I to ${role}', name);
        end if;
      end loop;
    end $$`;
}

/** Rights to read, also the tables of future applications. */
function rightsToRead(role: string): string {
  return `
    grant usage on schema ${schema} to ${role};
    grant select on all tables in schema ${schema} to ${role};
    alter default privileges in schema ${schema} grant select on tables to ${role};`;
}

async function openOrders(
  url: string,
  { setupTables = true, ...options }: PostgresOptions & { setupTables?: boolean } = {},
): Promise<Recorder> {
  const openedStorage = await openStorage(postgres({ connectionString: url, schema, ...options }));
  onTestFinished(() => openedStorage.close());
  return openedStorage.openRecorder({ applicationName: 'orders', setupTables });
}

async function openSubjectKeys(url: string, setupTables = true): Promise<SubjectKeyTable> {
  const openedStorage = await openStorage(postgres({ connectionString: url, schema }));
  onTestFinished(() => openedStorage.close());
  const keys = await openedStorage.openSubjectKeys?.({ setupTables });
  if (keys === undefined) throw new Error('The storage keeps no keys of subjects.');
  return keys;
}

/** Calls everything of a table of keys, with a new subject. */
async function useKeys(keys: SubjectKeyTable): Promise<void> {
  const subject = freshName('subject');
  expect(await keys.add([{ subject, key: 'first' }])).toEqual([{ subject, key: 'first' }]);
  expect(await keys.add([{ subject, key: 'second' }])).toEqual([{ subject, key: 'first' }]);
  const known = await keys.deleted(0, 100);
  expect([await keys.delete(subject, 5), await keys.delete(subject, 6)]).toEqual([true, false]);
  expect(await keys.read([subject])).toEqual([{ subject, key: undefined }]);
  expect(await keys.deleted(known.length, 100)).toEqual([
    { number: known.length + 1, subject, timestamp: 5 },
  ]);
}

/** Calls everything of a recorder twice, so that the second time no row is new. */
async function useAll(recorder: Recorder): Promise<void> {
  const snapshot = { originatorId: 'a', originatorVersion: 1, schema: 1, state: 'first' };
  const start = await recorder.head(0);
  for (const expected of [start, start + 1]) {
    const version = { originatorId: 'a', originatorVersion: expected + 1 };
    const event = { ...version, type: 'Order.Paid', data: '{}', timestamp: 0 };
    const tracking = { upstreamName: 'up', expected, position: expected + 1 };
    const command = { key: `key ${expected}`, timestamp: expected, fingerprint: '', outcome: '' };
    await recorder.record(0, [{ events: [event], snapshots: [snapshot], tracking, command }]);
    expect(await recorder.command?.(command.key)).toEqual(command);
    expect(await recorder.deleteCommands?.(expected + 1, 10)).toBeGreaterThan(0);
    await parkAndDelete(recorder, expected);
    await recorder.recordSnapshots([{ ...snapshot, ...version, state: 'newest' }]);
  }
  expect(await recorder.notifications(0, start, 10)).toHaveLength(2);
  expect((await recorder.position(0, 'up')).position).toBe(start + 2);
  expect(await recorder.histories([{ originatorId: 'a', after: 0, useSnapshot: true }])).toMatchObject([
    { snapshot: { originatorVersion: start + 2, state: 'newest' }, events: [] },
  ]);
}

/** Parks a notification, changes it and deletes it, and records an operation. */
async function parkAndDelete(recorder: Recorder, since: number): Promise<void> {
  const key = { upstreamName: 'up', notificationId: 7 };
  const content = { originatorId: 'a', isDue: true, attempts: 0, since, reason: '{}' };
  for (const [expected, own] of [content, content, undefined].entries())
    await recorder.record(0, [{ events: [], snapshots: [], parked: [{ ...key, expected, content: own }] }]);
  expect(await recorder.countParked?.()).toEqual([]);
  const operation = { timestamp: since, kind: 'retried', by: 'orders', reason: '', details: '{}' };
  await recorder.record(0, [{ events: [], snapshots: [], operation }]);
  expect(await recorder.operations(0, 100)).toContainEqual(expect.objectContaining(operation));
}

const denied = expect.objectContaining({ code: '42501' });

describe('a role that may only read and append', () => {
  it('runs a whole system', async () => {
    await runShop(connectionString, 1);
    const { role, url } = await temporaryRole();
    await expect(runShop(url)).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    await query(rightsToAppend(role));
    expect(await runShop(url)).toEqual([true, true, true]);
  });

  it('records events, positions and snapshots, moves positions and replaces snapshots', async () => {
    await openOrders(connectionString);
    const { role, url } = await temporaryRole();
    await query(rightsToAppend(role));
    const recorder = await openOrders(url);
    await useAll(recorder);
    await useAll(recorder);
  });

  it('needs no right on commands and parked notifications of applications without them', async () => {
    const opened = await openOrders(connectionString);
    const { role, url } = await temporaryRole();
    await query(rightsToAppend(role));
    await query(`revoke all on ${schema}.orders_commands, ${schema}.orders_parked from ${role}`);
    const recorder = await openOrders(url);
    const event = { originatorId: 'a', originatorVersion: 1, type: 'Order.Paid', data: '{}', timestamp: 0 };
    const snapshots = [{ originatorId: 'a', originatorVersion: 1, schema: 1, state: 'first' }];
    expect(await recorder.record(0, [{ events: [{ ...event, notifiable: false }], snapshots }])).toBe(0);
    expect(await opened.record(0, [{ events: [{ ...event, originatorVersion: 2 }], snapshots: [] }])).toBe(1);
  });

  it('needs all of its rights', async () => {
    await openOrders(connectionString);
    const { role, url } = await temporaryRole();
    await query(rightsToAppend(role));
    const rights = ['usage on schema $', 'select on $.kahn_applications'];
    rights.push('select on $.orders_events', 'insert on $.orders_events');
    for (const table of ['logs', 'positions', 'snapshots'])
      for (const right of ['select', 'insert', 'update']) rights.push(`${right} on $.orders_${table}`);
    for (const right of ['select', 'insert', 'delete']) rights.push(`${right} on $.orders_commands`);
    for (const right of ['select', 'insert', 'update', 'delete']) rights.push(`${right} on $.orders_parked`);
    for (const right of ['select', 'insert']) rights.push(`${right} on $.orders_operations`);
    for (const right of rights.map((one) => one.replace('$', schema))) {
      await query(`revoke ${right} from ${role}`);
      const used = openOrders(url).then(useAll);
      await expect(used, right).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
      await query(`grant ${right} to ${role}`);
    }
    await useAll(await openOrders(url));
  });

  it('keeps keys of subjects with these rights, each of which it needs', async () => {
    const { role, url } = await temporaryRole();
    await useKeys(await openSubjectKeys(connectionString));
    await expect(openSubjectKeys(url)).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    await query(rightsToAppend(role));
    await useKeys(await openSubjectKeys(url, false));
    for (const name of ['select', 'insert', 'update']) {
      const right = `${name} on ${schema}.kahn_subjects`;
      await query(`revoke ${right} from ${role}`);
      const used = openSubjectKeys(url).then(useKeys);
      await expect(used, right).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
      await query(`grant ${right} to ${role}`);
    }
    await useKeys(await openSubjectKeys(url));
    const subjects = `${schema}.kahn_subjects`;
    for (const text of [`delete from ${subjects}`, `truncate ${subjects}`, `drop table ${subjects}`])
      await expect(query(text, [], url), text).rejects.toEqual(denied);
  });

  it('is denied everything else by the server', async () => {
    await runShop(connectionString, 1);
    const { role, url } = await temporaryRole();
    await query(rightsToAppend(role));
    const events = `${schema}.orders_events`;
    for (const text of [
      `update ${events} set data = '{}'`,
      `update ${events} set notification_id = 7 where notification_id = 1`,
      `delete from ${events}`,
      `truncate ${events}`,
      `drop table ${events}`,
      `alter table ${events} add column note text`,
      `create index on ${events} (type)`,
      `create table ${schema}.mine (note text)`,
      `delete from ${schema}.orders_logs`,
      `delete from ${schema}.orders_positions`,
      `delete from ${schema}.orders_snapshots`,
      `update ${schema}.orders_commands set outcome = ''`,
      `update ${schema}.orders_operations set reason = ''`,
      `delete from ${schema}.orders_operations`,
      `update ${schema}.kahn_applications set version = 2`,
      `insert into ${schema}.kahn_applications values ('mine', 1)`,
    ])
      await expect(query(text, [], url), text).rejects.toEqual(denied);
    expect(await query(`select count(*)::integer from ${events}`)).toEqual([{ count: 3 }]);
  });
});

describe('a role that may only read', () => {
  it('reads the logs, also logs created later, and cannot record', async () => {
    await openOrders(connectionString);
    const { role, url } = await temporaryRole();
    await query(rightsToRead(role));
    await runShop(connectionString, 1);
    for (const name of ['orders', 'reservations', 'payments'])
      expect(await query(`select from ${schema}.${name}_events`, [], url)).not.toEqual([]);
    const recorder = await openOrders(url, { setupTables: false });
    expect(await recorder.notifications(0, 0, 10)).toHaveLength(3);
    await expect(useAll(recorder)).rejects.toMatchObject({
      code: 'STORAGE_DENIED',
      message: expect.stringMatching(
        /'orders' cannot use schema .*: the server denied access.*permission denied/,
      ),
    });
    await expect(query(`delete from ${schema}.orders_events`, [], url)).rejects.toEqual(denied);
  });
});

describe('a role that may not create schemas', () => {
  it('creates tables in an existing schema if it may', async () => {
    const { role, url } = await temporaryRole();
    await expect(openOrders(url)).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    await query(`create schema ${schema}`);
    await query(`grant usage on schema ${schema} to ${role}`);
    await expect(openOrders(url)).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    await query(`grant create on schema ${schema} to ${role}`);
    await useAll(await openOrders(url));
    expect(await runShop(url, 1)).toEqual([true]);
  });
});

describe('settings of a role', () => {
  it.each(['read committed', 'repeatable read', 'serializable'])(
    'may make transactions %s',
    async (level) => {
      const { role, url } = await temporaryRole();
      await query(`create schema ${schema} authorization ${role}`);
      await query(`alter role ${role} set default_transaction_isolation = '${level}'`);
      const sessions = [false, false, true, true]; // with and without the settings that kahn makes
      const recorders = await Promise.all(
        sessions.map((transactionPooler) => openOrders(url, { transactionPooler })),
      );
      const calls = recorders.flatMap((recorder, writer) =>
        [1, 2, 3, 4, 5].map((originatorVersion) => {
          const event = {
            originatorId: `${writer}`,
            originatorVersion,
            type: 'Made',
            data: '{}',
            timestamp: 0,
          };
          return recorder.record(0, [{ events: [event], snapshots: [] }]);
        }),
      );
      expect((await Promise.all(calls)).toSorted((one, other) => one - other)).toEqual(
        Array.from({ length: 20 }, (_, index) => index + 1),
      );
    },
  );

  it('may make it read-only, which the error says', async () => {
    await openOrders(connectionString);
    const { role, url } = await temporaryRole();
    await query(rightsToAppend(role));
    await query(`alter role ${role} set default_transaction_read_only = on`);
    await expect(useAll(await openOrders(url))).rejects.toMatchObject({ code: 'STORAGE_UNWRITABLE' });
  });
});
