import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import type { StorageDescription } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import {
  type EarlierVersion,
  earlierVersions,
  expectAllDone,
  expectEarlierShop,
  runOn,
} from '../earlier-shop.ts';
import { expectEvolved } from '../evolved-shop.ts';
import type { Message } from './child.ts';

const current = 6;
const applications = ['orders', 'reservations', 'payments'];

function fixture(version: EarlierVersion, file = ''): string {
  return fileURLToPath(new URL(`./fixtures/version-${version}/${file}`, import.meta.url));
}

/** Copies the files of an earlier version to a new directory. */
function earlierFiles(version: EarlierVersion): { directory: string; storage: StorageDescription } {
  const directory = temporaryDirectory();
  for (const name of applications)
    copyFileSync(fixture(version, `${name}.sqlite`), join(directory, `${name}.sqlite`));
  return { directory, storage: sqlite({ directory, synchronous: 'NORMAL' }) };
}

async function openOrders(storage: StorageDescription, setupTables = true): Promise<Recorder> {
  const recorder = await (await openStorage(storage)).openRecorder({
    applicationName: 'orders',
    setupTables,
  });
  onTestFinished(() => recorder.close());
  return recorder;
}

function all(path: string, text: string): Record<string, unknown>[] {
  using database = new DatabaseSync(path, { timeout: 5_000 });
  return database.prepare(text).all();
}

function versionOf(path: string): unknown {
  return all(path, 'pragma user_version')[0];
}

describe.each(earlierVersions)('files of version %i', (version) => {
  it('are upgraded and keep their rows', async () => {
    const { directory, storage } = earlierFiles(version);
    await expectEarlierShop(storage, version);
    await expectEarlierShop(storage, version);
    const columns = all(fixture(version, 'orders.sqlite'), `select name from pragma_table_info('events')`);
    const names = columns.map((column) => (column as { name: string }).name);
    expect(names.length).toBe({ 1: 7, 2: 8, 3: 13, 4: 13, 5: 13 }[version]);
    for (const file of applications.map((name) => `${name}.sqlite`)) {
      expect(versionOf(fixture(version, file))).toEqual({ user_version: version });
      expect(versionOf(join(directory, file))).toEqual({ user_version: current });
      for (const [table, what] of [
        ['events', names.join()],
        ['positions', 'pipeline_id, upstream_name, position'],
        ['snapshots', '*'],
      ]) {
        const query = `select ${what} from ${table} order by 1, 2`;
        expect(all(join(directory, file), query)).toEqual(all(fixture(version, file), query));
      }
    }
  });

  it('have the tables of new files after the upgrade', async () => {
    const { directory, storage } = earlierFiles(version);
    await openOrders(storage);
    const recorder = await (await openStorage(storage)).openRecorder({
      applicationName: 'fresh',
      setupTables: true,
    });
    await recorder.close();
    const columns = `
      select t.name as tableName, t.strict, t.wr, c.name, c.type, c."notnull", c.dflt_value, c.pk
      from pragma_table_list t, pragma_table_info(t.name) c where t.name not like 'sqlite_%' order by 1, c.cid`;
    const fresh = all(join(directory, 'fresh.sqlite'), columns);
    expect(fresh).toHaveLength(44);
    expect(all(join(directory, 'orders.sqlite'), columns)).toEqual(fresh);
  });

  it('are rejected with setupTables: false, and the message says what to do', async () => {
    const { directory, storage } = earlierFiles(version);
    await expect(openOrders(storage, false)).rejects.toMatchObject({
      code: 'STORAGE_OLDER',
      transient: true,
      message: expect.stringMatching(
        new RegExp(`version ${version}.* needs ${current}\\. .*setupTables: true`),
      ),
    });
    expect(versionOf(join(directory, 'orders.sqlite'))).toEqual({ user_version: version });
  });

  it('are read by a system whose events have moved on', async () => {
    const { storage } = earlierFiles(version);
    await expectEvolved(storage);
  });

  it('lead to a system that runs on and completes what was open', async () => {
    const { storage } = earlierFiles(version);
    await runOn(storage);
    await expectAllDone(storage, version);
  });

  it('are written by a process of the earlier release during and after the upgrade', async () => {
    const { directory, storage } = earlierFiles(version);
    using writer = new EarlierWriter(join(directory, 'orders.sqlite'), version);
    writer.place('before');
    const recorder = await openOrders(storage);
    writer.place('after the upgrade');
    await expectMovedByBoth(recorder, writer);
    const names = (await recorder.notifications(0, 11, 10)).map(({ id, data }) => [id, data]);
    expect(names).toEqual([
      [12, '{"customer":"before"}'],
      [13, '{"customer":"after the upgrade"}'],
    ]);
    await runOn(storage);
    writer.place('after a run');
    await runOn(storage);
    await expectAllDone(storage, version);
  });

  it('are upgraded once although four processes open them at once', async () => {
    const directory = temporaryDirectory();
    const paths = Array.from({ length: 30 }, (_, number) => join(directory, `application-${number}.sqlite`));
    for (const path of paths) copyFileSync(fixture(version, 'orders.sqlite'), path);
    await expectDone('openMany', 'directory', directory);
    for (const [number, path] of paths.entries()) {
      expect(versionOf(path)).toEqual({ user_version: current });
      const newest = 'select max(notification_id) as last, count(*) as n from events where pipeline_id = 0';
      expect(all(path, newest)).toEqual([{ last: 15, n: 15 }]);
      const named = version < 3 ? [] : [{ application_name: 'orders' }]; // the copied file has its first name
      const names = [{ application_name: `application-${number}` }, ...named];
      expect(all(path, 'select * from applications')).toEqual(names);
    }
  });
});

describe.each([4, 5] as const)('a file of version %i, which holds a whole system', (version) => {
  /** Copies the file to a new directory. */
  function earlierFile(): { directory: string; path: string; storage: StorageDescription } {
    const directory = temporaryDirectory();
    const path = join(directory, 'shop.db');
    copyFileSync(fixture(version, 'shop.db'), path);
    return { directory, path, storage: sqlite({ file: path, synchronous: 'NORMAL' }) };
  }

  function versionsIn(path: string): unknown[] {
    return all(path, 'select * from applications order by 1').map(({ version }) => version);
  }

  it('is upgraded and keeps its rows', async () => {
    const { path, storage } = earlierFile();
    const tables = ['events', 'positions', 'snapshots'].flatMap((table) =>
      applications.map((name) => `${table}_${name}`),
    );
    const rowsIn = () => tables.map((table) => all(path, `select * from ${table} order by 1, 2`));
    const before = rowsIn();
    await expectEarlierShop(storage, version);
    await expectEarlierShop(storage, version);
    expect(versionsIn(path)).toEqual([current, current, current]);
    expect(rowsIn()).toEqual(before);
  });

  it('has the tables and indexes of new files after the upgrade', async () => {
    const { path, storage } = earlierFile();
    await openOrders(storage);
    const fresh = join(temporaryDirectory(), 'shop.db');
    await openOrders(sqlite({ file: fresh, synchronous: 'NORMAL' }));
    const schema = `
      select t.name as tableName, t.type as kind, t.tbl_name, c.name, c.type, c."notnull", c.dflt_value, c.pk
      from sqlite_schema t left join pragma_table_info(t.name) c where t.name like '%orders%' order by 1, c.cid`;
    expect(all(fresh, schema).length).toBeGreaterThan(40);
    expect(all(path, schema)).toEqual(all(fresh, schema));
  });

  it('is rejected with setupTables: false, and not changed', async () => {
    const { path, storage } = earlierFile();
    await expect(openOrders(storage, false)).rejects.toMatchObject({
      code: 'STORAGE_OLDER',
      message: expect.stringContaining(`version ${version}, but this release of kahn needs ${current}.`),
    });
    expect(versionsIn(path)).toEqual([version, version, version]);
  });

  it('leads to a system that runs on and completes what was open', async () => {
    const { storage } = earlierFile();
    await runOn(storage);
    await expectAllDone(storage, version);
  });

  it('is upgraded once although four processes open it at once', async () => {
    const { directory, path } = earlierFile();
    await expectDone('upgrade', 'file', directory);
    expect(versionsIn(path)).toEqual([current, current, current]);
    const newest =
      'select max(notification_id) as last, count(*) as n from events_orders where pipeline_id = 0';
    expect(all(path, newest)).toEqual([{ last: 15, n: 15 }]);
  });
});

/** Lets four processes do a task of `child.ts` at once. */
async function expectDone(task: string, layout: string, directory: string): Promise<void> {
  const children = Array.from({ length: 4 }, () =>
    fork(new URL('./child.ts', import.meta.url), [task, layout, directory]),
  );
  for (const child of children) onTestFinished(() => void child.kill('SIGKILL'));
  const answer = async (child: (typeof children)[number]): Promise<Message> =>
    (await once(child, 'message'))[0];
  expect(await Promise.all(children.map(answer))).toEqual(Array(4).fill('ready'));
  const answers = children.map(answer);
  for (const child of children) child.send('go');
  expect(await Promise.all(answers)).toEqual(Array(4).fill('done'));
}

/** Checks that the earlier release moves a position whose mark this release has recorded. */
async function expectMovedByBoth(recorder: Recorder, writer: EarlierWriter): Promise<void> {
  const at = { pipelineId: 7, upstreamName: 'up', mark: 'three', typesVersion: 0 };
  const tracking = { upstreamName: 'up', expected: 0, position: 3, mark: 'three' };
  await recorder.record(7, [{ events: [], snapshots: [], tracking }]);
  expect(writer.move(3, 5)).toBe(1);
  expect(writer.move(3, 6)).toBe(0);
  // The mark names its notification, so a reader sees that the mark is older than the position.
  expect(await recorder.position(7, 'up')).toEqual({ ...at, position: 5 });
}

/** Places orders by the statements of an earlier release, prepared before the upgrade. */
class EarlierWriter implements Disposable {
  readonly #database: DatabaseSync;
  readonly #insert;
  readonly #move;

  constructor(path: string, version: EarlierVersion) {
    this.#database = new DatabaseSync(path, { timeout: 5_000 });
    const [column, value] = version === 1 ? ['', ''] : [', dependencies', ', null']; // later versions do the same
    this.#insert = this.#database.prepare(`
      insert into events
        (pipeline_id, notification_id, originator_id, originator_version, type, data, timestamp${column})
      select 0, (select max(notification_id) + 1 from events where pipeline_id = 0), ?1, 1, 'Order.Created', ?2, ?3${value}
      on conflict (originator_id, originator_version) do nothing`);
    this.#move = this.#database.prepare(`
      insert into positions (pipeline_id, upstream_name, position)
      select 7, 'up', ?2
      where ?1 = coalesce((select position from positions where pipeline_id = 7 and upstream_name = 'up'), 0)
      on conflict (pipeline_id, upstream_name) do update set position = excluded.position`);
  }

  /** Moves a position, and returns the number of changed rows. */
  move(expected: number, position: number): number | bigint {
    return this.#move.run(expected, position).changes;
  }

  place(customer: string): void {
    this.#insert.run(customer, JSON.stringify({ customer }), Date.now());
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
