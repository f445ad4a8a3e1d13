import type { DatabaseSync } from 'node:sqlite';
import { openStorage } from 'kahn/storage';
import { expect, onTestFinished, test } from 'vitest';
import type { WriteLock } from '../../../../src/storage/recorder.ts';
import { temporarySqlite } from '../../../support/storages.ts';

/** Takes the lock of an application, with a table in its file. */
async function held(): Promise<{ lock: WriteLock; database: DatabaseSync; again(): Promise<DatabaseSync> }> {
  const storage = await openStorage(temporarySqlite());
  const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
  onTestFinished(async () => {
    await recorder.close();
    await storage.close();
  });
  const lock = (await recorder.lock?.()) as WriteLock;
  const database = lock.handle as DatabaseSync;
  database.exec('create table numbers (number integer primary key, text any)');
  return { lock, database, again: async () => (await recorder.lock?.())?.handle as DatabaseSync };
}

const event = { originatorId: 'a', originatorVersion: 1, type: 'A', data: '{}', timestamp: 1 };
const processEvents = [{ events: [event], snapshots: [] }];

test('a handle works as the driver does', async () => {
  const { database } = await held();
  const insert = database.prepare('insert into numbers values (?, ?)');
  expect(insert.run(1, 'one')).toEqual({ changes: 1, lastInsertRowid: 1 });
  insert.run(2, null);
  const named = database.prepare('select text from numbers where number = $number');
  expect(named.get({ number: 1 })).toMatchObject({ text: 'one' });
  const all = database.prepare('select number from numbers order by number');
  expect(all.all().map(({ number }) => number)).toEqual([1, 2]);
  expect([...all.iterate()].map(({ number }) => number)).toEqual([1, 2]);
  expect(all.columns()).toMatchObject([{ name: 'number' }]);
  expect(all.sourceSQL).toBe('select number from numbers order by number');
  expect([database.isOpen, database.isTransaction]).toEqual([true, true]);
  expect(() => insert.run(1, 'again')).toThrow('UNIQUE constraint failed');
  expect(
    database.prepare('select count(*) as n from numbers', { returnArrays: true } as object).get(),
  ).toBeDefined();
});

test('settings of a statement apply to no other statement with the same text', async () => {
  const { database } = await held();
  const text = 'select 1 as one';
  const first = database.prepare(text);
  first.setReturnArrays(true);
  first.setReadBigInts(true);
  expect(first.get()).toEqual([1n]);
  expect(database.prepare(text).get()).toEqual({ one: 1 });
  const rows = database.prepare('select number from (select 1 as number union select 2)');
  const iterating = rows.iterate();
  iterating.next();
  expect(database.prepare(rows.sourceSQL).all()).toHaveLength(2);
  expect(iterating.next().value).toMatchObject({ number: 2 });
});

test.each([
  'pragma locking_mode = exclusive',
  'pragma query_only(1)',
  'pragma user_version = 7',
  "attach ':memory:' as other",
  'detach main',
])('%s is refused', async (text) => {
  const { database } = await held();
  expect(() => database.exec(text)).toThrow(expect.objectContaining({ code: 'ROWS_REFUSED' }));
  expect(() => database.prepare(text)).toThrow(expect.objectContaining({ code: 'ROWS_REFUSED' }));
});

test.each(['pragma table_info(numbers)', 'pragma user_version', 'pragma defer_foreign_keys = on'])(
  '%s is executed',
  async (text) => {
    const { database } = await held();
    expect(() => database.prepare(text).all()).not.toThrow();
  },
);

test.each([
  'close',
  'open',
  'function',
  'aggregate',
  'createSession',
  'loadExtension',
  'enableLoadExtension',
  'setAuthorizer',
  'deserialize',
  'enableDefensive',
  'createTagStore',
])('%s() is refused', async (name) => {
  const { database } = await held();
  const call = (database as unknown as Record<string, () => void>)[name];
  expect(() => call?.call(database)).toThrow(expect.objectContaining({ code: 'ROWS_REFUSED' }));
  expect(database.isOpen).toBe(true);
});

test('a trigger that rolls the transaction back leaves nothing, and nothing is recorded without it', async () => {
  const { lock, database, again } = await held();
  database.exec("create trigger t before insert on numbers begin select raise(rollback, 'no'); end");
  const insert = database.prepare('insert into numbers values (?, ?)');
  expect(() => insert.run(1, 'one')).toThrow('no');
  const rolledBack = expect.objectContaining({ name: 'RowsError', code: 'ROWS_ROLLED_BACK' });
  expect(() => insert.run(2, 'two')).toThrow(rolledBack);
  expect(() => database.exec('create table outside (a)')).toThrow(rolledBack);
  await expect(lock.record(0, processEvents)).rejects.toEqual(rolledBack);
  const later = await again();
  expect(
    later.prepare('select name from sqlite_schema where name in (?, ?)').all('numbers', 'outside'),
  ).toEqual([]);
});

test('statements that a batch has prepared are refused after it', async () => {
  const { lock, database } = await held();
  const insert = database.prepare('insert into numbers values (?, ?)');
  const iterating = database.prepare('select 1 union select 2').iterate();
  iterating.next();
  await lock.record(0, processEvents);
  const ended = expect.objectContaining({ code: 'ROWS_ENDED' });
  expect(() => insert.run(1, 'one')).toThrow(ended);
  expect(() => iterating.next()).toThrow(ended);
  for (const text of ['select 1', insert.sourceSQL]) expect(() => database.prepare(text)).toThrow(ended);
});

test('a reading that a batch leaves open does not keep the connection at a state of the past', async () => {
  const storage = temporarySqlite();
  const [one, two] = [await openStorage(storage), await openStorage(storage)];
  const recorder = await one.openRecorder({ applicationName: 'orders', setupTables: true });
  const other = await two.openRecorder({ applicationName: 'orders', setupTables: true });
  onTestFinished(async () => {
    for (const opened of [recorder, other, one, two]) await opened.close();
  });
  const lock = (await recorder.lock?.()) as WriteLock;
  const database = lock.handle as DatabaseSync;
  database.exec('create table numbers (number integer primary key); insert into numbers values (1), (2)');
  const rows = database.prepare('select number from numbers').iterate();
  rows.next();
  await lock.record(0, processEvents);
  await other.record(0, [{ events: [{ ...event, originatorVersion: 2 }], snapshots: [] }]);
  expect(await recorder.head(0)).toBe(2);
  expect(await recorder.record(0, [{ events: [{ ...event, originatorVersion: 3 }], snapshots: [] }])).toBe(3);
});
