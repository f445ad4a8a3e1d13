import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type SqliteOptions, sqlite } from 'kahn/sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ProcessEvent, Recorder } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { oneFile, temporaryDirectory } from '../../support/storages.ts';

/** Opens the recorders of applications in one storage. */
async function open(options: SqliteOptions, ...names: string[]): Promise<Recorder[]> {
  const storage = await openStorage(sqlite({ synchronous: 'NORMAL', ...options }));
  const recorders: Recorder[] = [];
  for (const applicationName of names) {
    const recorder = await storage.openRecorder({ applicationName, setupTables: true });
    onTestFinished(() => recorder.close());
    recorders.push(recorder);
  }
  return recorders;
}

function made(originatorId: string): ProcessEvent {
  const event = { originatorId, originatorVersion: 1, type: 'Made', data: '{}', timestamp: 0 };
  return { events: [event], snapshots: [] };
}

function contentsOf(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'latin1')]),
  );
}

describe('a file of the other layout is refused and not changed, and the message says how to open it:', () => {
  it('a system by its directory', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'orders.sqlite');
    const [orders] = await open({ file }, 'orders');
    await orders!.close();
    const before = contentsOf(directory);
    await expect(open({ directory }, 'orders')).rejects.toMatchObject({
      code: 'STORAGE_FOREIGN',
      message:
        `Application 'orders' cannot use '${file}': it holds a whole system. ` +
        `Open it with sqlite({ file: '${file}' }), or choose another directory.`,
    });
    expect(await (await openStorage(sqlite({ directory }))).applicationNames()).toEqual([]);
    expect(contentsOf(directory)).toEqual(before);
  });

  it('an application by its file', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'orders.sqlite');
    const [orders] = await open({ directory }, 'orders');
    await orders!.close();
    const before = contentsOf(directory);
    const reason = `cannot use '${file}': it holds one application of a directory. Open it with sqlite({ directory: '${directory}' }), or choose another file.`;
    const foreign = (user: string) => ({ code: 'STORAGE_FOREIGN', message: `${user} ${reason}` });
    await expect(open({ file }, 'orders')).rejects.toMatchObject(foreign("Application 'orders'"));
    const names = (await openStorage(sqlite({ file }))).applicationNames();
    await expect(names).rejects.toMatchObject(foreign('kahn'));
    expect(contentsOf(directory)).toEqual(before);
  });
});

describe('the path of a file', () => {
  it('is refused if it is a directory', async () => {
    const file = temporaryDirectory();
    await expect(open({ file }, 'orders')).rejects.toMatchObject({
      code: 'STORAGE_FOREIGN',
      message: expect.stringContaining('Give sqlite({ file }) the path of a file, such as data/shop.db.'),
    });
  });

  it('is refused if its directory is a file', async () => {
    const note = join(temporaryDirectory(), 'note');
    writeFileSync(note, 'text');
    await expect(open({ file: join(note, 'shop.db') }, 'orders')).rejects.toMatchObject({
      code: 'STORAGE_UNWRITABLE',
      message: expect.stringContaining(`'${note}' is a file, not a directory.`),
    });
  });

  it('may have any characters, and its directory other files', async () => {
    const directory = join(temporaryDirectory(), 'ü %41 ?x=1#y');
    mkdirSync(directory);
    writeFileSync(join(directory, 'note'), 'text');
    const file = join(directory, 'a b %20 ?mode=memory#z');
    const [orders] = await open({ file }, 'orders');
    await orders!.record(0, [made('a')]);
    await orders!.close();
    expect(contentsOf(directory)).toMatchObject({
      note: 'text',
      'a b %20 ?mode=memory#z': expect.any(String),
    });
    const [again] = await open({ file }, 'orders');
    expect(await again!.head(0)).toBe(1);
  });
});

describe('the tables of a file', () => {
  /** Sets up two applications, and gives the orders the tables of version 3. */
  async function earlierOrders(): Promise<{ file: string; options: SqliteOptions }> {
    const directory = temporaryDirectory();
    const options = oneFile.optionsIn(directory);
    const [orders, payments] = await open(options, 'orders', 'payments');
    await orders!.record(0, [made('a')]);
    for (const recorder of [orders, payments]) await recorder!.close();
    const { path: file, tables } = oneFile.fileOf(directory, 'orders');
    using database = new DatabaseSync(file);
    database.exec(`
      drop table ${tables.operations};
      drop table ${tables.commands};
      drop table ${tables.parked};
      alter table ${tables.positions} drop column mark;
      alter table ${tables.positions} drop column handled_types;
      alter table ${tables.positions} drop column types_version;
      update applications set version = 3 where application_name = 'orders'`);
    return { file, options };
  }

  function versionsIn(file: string): unknown[] {
    using database = new DatabaseSync(file);
    return database.prepare('select * from applications order by 1').all();
  }

  it('are upgraded application by application', async () => {
    const { file, options } = await earlierOrders();
    const storage = await openStorage(sqlite(options));
    const old = storage.openRecorder({ applicationName: 'orders', setupTables: false });
    await expect(old).rejects.toMatchObject({ code: 'STORAGE_OLDER', applicationName: 'orders' });
    await open(options, 'payments');
    expect(versionsIn(file)).toMatchObject([{ version: 3 }, { version: 6 }]);
    const [orders] = await open(options, 'orders');
    expect(versionsIn(file)).toMatchObject([{ version: 6 }, { version: 6 }]);
    const tracking = { upstreamName: 'up', expected: 0, position: 3, mark: 'three' };
    expect(await orders!.record(0, [{ ...made('b'), tracking }])).toBe(2);
    expect(await orders!.operations(0, 1)).toEqual([]);
  });

  it('of a later release are refused for their application alone, and those of a later layout for all', async () => {
    const directory = temporaryDirectory();
    const options = oneFile.optionsIn(directory);
    for (const recorder of await open(options, 'orders', 'payments')) await recorder.close();
    using database = new DatabaseSync(oneFile.fileOf(directory, '').path);
    database.exec(`update applications set version = 99 where application_name = 'orders'`);
    const newer = { code: 'STORAGE_NEWER', message: expect.stringContaining('version 99') };
    await expect(open(options, 'orders')).rejects.toMatchObject(newer);
    await open(options, 'payments');
    database.exec('pragma user_version = 99');
    await expect(open(options, 'payments')).rejects.toMatchObject(newer);
  });
});

describe('recorders of one file in one thread', () => {
  it('wait for the write lock of another application without blocking the thread', async () => {
    const options = oneFile.optionsIn(temporaryDirectory());
    const [orders, payments] = await open(options, 'orders', 'payments');
    const lock = await orders!.lock!();
    const waiting = Promise.all([
      payments!.record(0, [made('a')]),
      payments!.record(0, [made('b')]),
      orders!.record(0, [made('a')]),
    ]);
    // Without the event loop, the holder of the lock could not go on.
    expect(await payments!.head(0)).toBe(0);
    expect(await lock.record(0, [made('b')])).toBe(1);
    expect(await waiting).toEqual([1, 2, 2]);
  });

  it('of several opened storages take turns, too, and set up tables meanwhile', async () => {
    const options = oneFile.optionsIn(temporaryDirectory());
    const [orders] = await open(options, 'orders');
    const [payments] = await open(options, 'payments');
    const storage = await openStorage(sqlite(options));
    const lock = await orders!.lock!();
    const recorded = payments!.record(0, [made('a')]);
    const opened = storage.openRecorder({ applicationName: 'reservations', setupTables: true });
    expect(await lock.record(0, [made('a')])).toBe(1);
    expect(await recorded).toBe(1);
    await (await opened).close();
  });

  it('are closed one by one, and the last one closes the file', async () => {
    const directory = temporaryDirectory();
    const [orders, payments] = await open(oneFile.optionsIn(directory), 'orders', 'payments');
    await payments!.lock!();
    await payments!.close();
    const closed = { code: 'STORAGE_CLOSED', applicationName: 'payments' };
    await expect(payments!.head(0)).rejects.toMatchObject(closed);
    await payments!.close();
    expect(await orders!.record(0, [made('a')])).toBe(1);
    await orders!.lock!();
    await expect(payments!.record(0, [made('a')])).rejects.toMatchObject(closed);
    await orders!.close();
    expect(readdirSync(directory)).toEqual(['shop.db']);
  });

  it('read and write a file of which no application name is safe', async () => {
    const options = oneFile.optionsIn(temporaryDirectory());
    const names = ['"', "x'; drop table applications; --", 'Orders', 'orders', '注文 🛒'];
    const recorders = await open(options, ...names);
    for (const [index, recorder] of recorders.entries()) await recorder.record(index, [made(`${index}`)]);
    for (const [index, recorder] of recorders.entries()) {
      expect(await recorder.logs()).toEqual([{ pipelineId: index, notificationId: 1 }]);
    }
  });
});
