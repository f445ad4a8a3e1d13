import { readFileSync } from 'node:fs';
import { postgres } from 'kahn/postgres';
import pg from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { connectionString, query, temporarySchema } from '../../support/servers/postgres.ts';
import { patient } from '../../support/until.ts';
import { earlierVersions, expectAllDone, expectEarlierShop, runOn } from '../earlier-shop.ts';
import { expectEvolved } from '../evolved-shop.ts';
import { inProcesses } from './concurrency/start-children.ts';

/** Creates a schema with tables that the release of a version wrote. */
async function schemaOfVersion(version: number): Promise<string> {
  const schema = temporarySchema();
  const file = new URL(`./fixtures/version-${version}.sql`, import.meta.url);
  await query(readFileSync(file, 'utf8').replaceAll('schema_of_fixture', schema));
  return schema;
}

async function openOrders(schema: string, setupTables: boolean): Promise<Recorder> {
  const storage = await openStorage(postgres({ connectionString, schema }));
  onTestFinished(() => storage.close());
  return storage.openRecorder({ applicationName: 'orders', setupTables });
}

function versionsIn(schema: string): Promise<unknown> {
  return query(
    `select application_name, version from ${schema}.kahn_applications where application_name <> '' order by 1`,
  );
}

/** Versions of the tables of the shop; those of `orders` were upgraded, or not. */
function versions(ofOrders: number): unknown[] {
  return [
    { application_name: 'orders', version: ofOrders },
    { application_name: 'payments', version: 1 },
    { application_name: 'reservations', version: 1 },
  ];
}

const current = 6;
/** Head of the log of `orders` in the fixtures. */
const head = 11;

it('records dependencies in tables that had no column for them', async () => {
  const recorder = await openOrders(await schemaOfVersion(1), true);
  const made = { originatorId: 'new', originatorVersion: 1, type: 'Order.Created', data: '{}', timestamp: 0 };
  const event = { ...made, dependencies: [{ pipelineId: 1, notificationId: 2 }] };
  expect(await recorder.record(0, [{ events: [event], snapshots: [] }])).toBe(head + 1);
  expect(await recorder.notifications(0, head, 10)).toEqual([{ id: head + 1, ...event }]);
});

it('rejects tables of version 1 with setupTables: false, and says what to do', async () => {
  const schema = await schemaOfVersion(1);
  await expect(openOrders(schema, false)).rejects.toMatchObject({
    code: 'STORAGE_OLDER',
    transient: true,
    message: expect.stringMatching(/version 1.* needs 6\. .*setupTables: true/),
  });
  expect(await versionsIn(schema)).toEqual(versions(1));
});

it('upgrades only the application that is opened, and creates the table that all share', async () => {
  const schema = await schemaOfVersion(1);
  await openOrders(schema, true);
  expect(await versionsIn(schema)).toEqual(versions(current));
  expect(await query(`select * from ${schema}.kahn_subjects`)).toEqual([]);
});

it('is upgraded once although ten processes open it at once', async () => {
  const schema = await schemaOfVersion(1);
  const reader = new pg.Client({ connectionString });
  await reader.connect();
  onTestFinished(() => reader.end());
  await reader.query(`begin; select from ${schema}.orders_events`); // blocks the upgrade until all processes wait
  const waiting = `
    select from pg_locks
    where not granted and (locktype = 'advisory' or relation = '${schema}.orders_events'::regclass)`;
  const outcomes = inProcesses(Array.from({ length: 10 }, () => ({ name: 'open', schema })));
  await vi.waitUntil(async () => (await query(waiting)).length >= 10, patient);
  await reader.query('commit');
  expect(await outcomes).toEqual(Array(10).fill(head));
  expect(await versionsIn(schema)).toEqual(versions(current));
});

it('is upgraded while the previous release writes to it', async () => {
  const schema = await schemaOfVersion(1);
  const insert = (version: number) =>
    query(`
      with ready as (
        select not exists (select from ${schema}.orders_events where originator_id = 'b' and originator_version = ${version}) as ok
      ), log as (
        update ${schema}.orders_logs set head = head + 1 from ready where ok and pipeline_id = 0 returning head
      )
      insert into ${schema}.orders_events
        (pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp, commit_id)
      select 0, log.head, 'b', ${version}, 'Made', '{}', 0, 0 from log`);
  const writing = (async () => {
    for (let version = 1; version <= 100; version += 1) await insert(version);
  })();
  const recorder = await openOrders(schema, true);
  await writing;
  expect(await recorder.head(0)).toBe(head + 100);
  expect((await recorder.notifications(0, head + 98, 10)).map(({ id }) => id)).toEqual([
    head + 99,
    head + 100,
  ]);
});

describe.each(earlierVersions)('tables of version %i', (version) => {
  it('are upgraded, keep their rows and have the columns of new tables', async () => {
    const schema = await schemaOfVersion(version);
    const storage = postgres({ connectionString, schema });
    await expectEarlierShop(storage, version);
    await expectEarlierShop(storage, version);
    const fresh = temporarySchema();
    await openOrders(fresh, true);
    const columns = (name: string) =>
      query(
        `select table_name, column_name, data_type, collation_name, is_nullable, column_default
        from information_schema.columns where table_schema = $1 and table_name like 'orders%' order by 1, 2`,
        [name],
      );
    expect(await columns(schema)).toEqual(await columns(fresh));
  });

  it('are read by a system whose events have moved on', async () => {
    const storage = postgres({ connectionString, schema: await schemaOfVersion(version) });
    await expectEvolved(storage);
  });

  it('lead to a system that runs on and completes what was open', async () => {
    const storage = postgres({ connectionString, schema: await schemaOfVersion(version) });
    await runOn(storage);
    await expectAllDone(storage, version);
  });
});

it('moves positions by the statements of the previous release after the upgrade', async () => {
  const schema = await schemaOfVersion(3);
  const recorder = await openOrders(schema, true);
  const tracking = { upstreamName: 'payments', expected: 3, position: 4, mark: 'four' };
  await recorder.record(0, [{ events: [], snapshots: [], tracking }]);
  const moved = await query(`
    with tracked as (
      select * from unnest(array['payments', 'new'], array[4, 0]::bigint[], array[6, 1]::bigint[])
        as t (upstream_name, expected, position)
    )
    insert into ${schema}.orders_positions as p (pipeline_id, upstream_name, position)
    select 0, t.upstream_name, t.position from tracked t
    on conflict (pipeline_id, upstream_name) do update set position = excluded.position
    where p.position = (select t.expected from tracked t where t.upstream_name = excluded.upstream_name)
    returning position`);
  expect(moved).toHaveLength(2);
  // The mark names its notification, so a reader sees that the mark is older than the position.
  expect(await recorder.positions()).toEqual([
    { pipelineId: 0, upstreamName: 'new', position: 1, typesVersion: 0 },
    { pipelineId: 0, upstreamName: 'payments', position: 6, mark: 'four', typesVersion: 0 },
    { pipelineId: 0, upstreamName: 'reservations', position: 3, typesVersion: 0 },
  ]);
});
