import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqlite } from 'kahn/sqlite';
import { expect, it, onTestFinished } from 'vitest';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { expectRowsOfVersion1 } from '../rows-of-version-1.ts';
import type { Message } from './child.ts';

// Tables of version 1.
const version1 = `
  create table events (
    pipeline_id integer not null,
    notification_id integer not null,
    originator_id text not null,
    originator_version integer not null,
    type text not null,
    data text not null,
    timestamp integer not null, -- milliseconds since 1970
    primary key (pipeline_id, notification_id),
    unique (originator_id, originator_version)
  ) strict;
  create table positions (
    pipeline_id integer not null,
    upstream_name text not null,
    position integer not null,
    primary key (pipeline_id, upstream_name)
  ) strict, without rowid;
  create table snapshots (
    originator_id text not null,
    originator_version integer not null,
    schema integer not null,
    state text not null,
    primary key (originator_id, originator_version)
  ) strict;
  pragma application_id = 1801545838;
  pragma user_version = 1;
`;
const recorded = `
  insert into events values (0, 1, 'a', 1, 'Made', '{"by":"ada"}', 1700000000001);
  insert into events values (0, 2, 'a', 2, 'Changed', '{}', 1700000000002);
  insert into events values (3, 1, 'b', 1, 'Made', '{}', 1700000000003);
  insert into positions values (0, 'up', 7);
  insert into snapshots values ('a', 1, 1, '{"by":"ada"}');
`;

function fileOfVersion1(directory: string, applicationName = 'orders'): DatabaseSync {
  const database = new DatabaseSync(join(directory, `${applicationName}.sqlite`));
  database.exec(version1); // in this order: files are marked before they have a write-ahead log
  database.exec('pragma journal_mode = wal');
  database.exec(recorded);
  return database;
}

async function openOrders(directory: string, setupTables: boolean): Promise<Recorder> {
  const storage = await openStorage(sqlite({ directory, synchronous: 'NORMAL' }));
  const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables });
  onTestFinished(() => recorder.close());
  return recorder;
}

/** Checks that all rows are there, and dependencies can be recorded. */
async function assertUpgraded(recorder: Recorder): Promise<void> {
  const made = { type: 'Made', data: '{}', timestamp: 1_700_000_000_003 };
  await expectRowsOfVersion1(recorder);
  const dependencies = [{ pipelineId: 0, notificationId: 2 }];
  const event = { originatorId: 'b', originatorVersion: 2, ...made, dependencies };
  await recorder.record(3, [{ events: [event], snapshots: [] }]);
  expect(await recorder.notifications(3, 1, 10)).toEqual([{ id: 2, ...event }]);
}

it('upgrades a file of version 1 and keeps its rows', async () => {
  const directory = temporaryDirectory();
  fileOfVersion1(directory).close();
  await assertUpgraded(await openOrders(directory, true));
  await openOrders(directory, false);
  using upgraded = new DatabaseSync(join(directory, 'orders.sqlite'));
  const columns = `select name, type, "notnull", dflt_value, pk from pragma_table_info('events')`;
  await (await openStorage(sqlite({ directory }))).openRecorder({
    applicationName: 'fresh',
    setupTables: true,
  });
  using fresh = new DatabaseSync(join(directory, 'fresh.sqlite'));
  expect(upgraded.prepare(columns).all()).toEqual(fresh.prepare(columns).all());
  for (const database of [upgraded, fresh]) {
    expect(database.prepare('pragma user_version').get()).toEqual({ user_version: 3 });
  }
});

it('rejects a file of version 1 with setupTables: false, and says what to do', async () => {
  const directory = temporaryDirectory();
  using database = fileOfVersion1(directory);
  await expect(openOrders(directory, false)).rejects.toMatchObject({
    code: 'STORAGE_OLDER',
    transient: false,
    message: expect.stringMatching(/version 1.* needs 3\. .*setupTables: true/),
  });
  expect(database.prepare('pragma user_version').get()).toEqual({ user_version: 1 });
});

it('stays usable for a process that opened the file with the previous release', async () => {
  const directory = temporaryDirectory();
  using before = fileOfVersion1(directory);
  const insert = before.prepare(`
    insert into events (pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp)
    values (0, ?, 'a', ?, 'Changed', '{}', 0)`);
  insert.run(3, 3);
  const recorder = await openOrders(directory, true);
  insert.run(4, 4);
  expect((await recorder.notifications(0, 2, 10)).map(({ id }) => id)).toEqual([3, 4]);
});

it('is upgraded once although four processes open it at once', async () => {
  const directory = temporaryDirectory();
  for (let number = 0; number < 30; number += 1) fileOfVersion1(directory, `application-${number}`).close();
  const file = new URL('./child.ts', import.meta.url);
  const children = Array.from({ length: 4 }, () => fork(file, ['openMany', directory]));
  for (const child of children) onTestFinished(() => void child.kill('SIGKILL'));
  const answer = async (child: (typeof children)[number]): Promise<Message> =>
    (await once(child, 'message'))[0];
  expect(await Promise.all(children.map(answer))).toEqual(Array(4).fill('ready'));
  const answers = children.map(answer);
  for (const child of children) child.send('go');
  expect(await Promise.all(answers)).toEqual(Array(4).fill('done'));
  for (let number = 0; number < 30; number += 1) {
    using database = new DatabaseSync(join(directory, `application-${number}.sqlite`), { timeout: 5_000 });
    expect(database.prepare('pragma user_version').get()).toEqual({ user_version: 3 });
    const newest =
      'select max(notification_id) as last, count(*) as n, count(dependencies) as some from events where pipeline_id = 0';
    expect(database.prepare(newest).get()).toEqual({ last: 6, n: 6, some: 0 });
  }
});
