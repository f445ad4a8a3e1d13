import type { DatabaseSync } from 'node:sqlite';
import { asc, eq, sql } from 'drizzle-orm';
import { pgTable, text as pgText } from 'drizzle-orm/pg-core';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { openStorage } from 'kahn/storage';
import type { Kysely } from 'kysely';
import type { PoolClient } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { drizzleOnPostgres, drizzleOnSqlite } from '../../../examples/query-builders/drizzle.ts';
import { kyselyOnPostgres, kyselyOnSqlite, type Tables } from '../../../examples/query-builders/kysely.ts';
import type { WriteLock } from '../../../src/storage/recorder.ts';
import { temporaryDatabase, temporaryPostgres } from '../../support/servers/postgres.ts';
import { temporarySqlite } from '../../support/storages.ts';

const create = 'create table paid_orders (order_id text primary key, customer text)';
const processEvents = [
  {
    events: [{ originatorId: 'a', originatorVersion: 1, type: 'A', data: '{}', timestamp: 1 }],
    snapshots: [],
  },
];

/** Takes the lock of an application; its rows are found in the result of `read`. */
async function lockIn(name: string): Promise<{ lock: WriteLock; read(): Promise<unknown[]> }> {
  const url = name === 'postgres' ? await temporaryDatabase() : '';
  const described = name === 'postgres' ? temporaryPostgres({ connectionString: url }) : temporarySqlite();
  const storage = await openStorage(described);
  const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
  onTestFinished(async () => {
    await recorder.close();
    await storage.close();
  });
  const { postgresRows } = await import('kahn/postgres');
  const { sqliteRows } = await import('kahn/sqlite');
  const rows = recorder.rows?.(name === 'postgres' ? postgresRows : sqliteRows);
  const select = 'select order_id, customer from paid_orders order by order_id';
  const read = async () =>
    (await rows?.read(async (handle) =>
      name === 'postgres'
        ? (
            await (handle as PoolClient).query(select)
          ).rows
        : (handle as DatabaseSync)
            .prepare(select)
            .all()
            .map((row) => ({ ...row })),
    )) ?? [];
  return { lock: (await recorder.lock?.()) as WriteLock, read };
}

const expected = [
  { order_id: '1', customer: 'ada' },
  { order_id: '2', customer: null },
];

describe.each(['sqlite', 'postgres'])('on %s', (name) => {
  const kyselyOn = (handle: unknown): Kysely<Tables> =>
    name === 'postgres' ? kyselyOnPostgres(handle as PoolClient) : kyselyOnSqlite(handle as DatabaseSync);

  test('Kysely writes and reads rows that are recorded with events', async () => {
    const { lock, read } = await lockIn(name);
    const db = kyselyOn(lock.handle);
    await db.schema
      .createTable('paid_orders')
      .addColumn('order_id', 'text', (column) => column.primaryKey())
      .addColumn('customer', 'text')
      .execute();
    const inserted = await db
      .insertInto('paid_orders')
      .values([
        { order_id: '1', customer: 'bob' },
        { order_id: '2', customer: null },
      ])
      .executeTakeFirst();
    expect(inserted.numInsertedOrUpdatedRows).toBe(2n);
    const updated = await db
      .updateTable('paid_orders')
      .set({ customer: 'ada' })
      .where('order_id', '=', '1')
      .returning('customer')
      .execute();
    expect(updated.map(({ customer }) => customer)).toEqual(['ada']);
    expect(
      await db.selectFrom('paid_orders').select('order_id').where('customer', 'is', null).execute(),
    ).toHaveLength(1);
    await lock.record(0, processEvents);
    expect(await read()).toEqual(expected);
  });

  test('a transaction of Kysely is refused', async () => {
    const { lock } = await lockIn(name);
    const transacting = kyselyOn(lock.handle)
      .transaction()
      .execute(async () => {});
    await expect(transacting).rejects.toMatchObject({ code: 'ROWS_REFUSED' });
    await lock.release();
  });
});

test('Drizzle writes and reads rows of SQLite that are recorded with events', async () => {
  const { lock, read } = await lockIn('sqlite');
  const orders = sqliteTable('paid_orders', { id: text('order_id').primaryKey(), customer: text() });
  const db = drizzleOnSqlite(lock.handle as DatabaseSync);
  await db.run(sql.raw(create));
  await db.insert(orders).values([{ id: '1', customer: 'bob' }, { id: '2' }]);
  expect(await db.update(orders).set({ customer: 'ada' }).where(eq(orders.id, '1')).returning()).toEqual([
    { id: '1', customer: 'ada' },
  ]);
  expect(await db.select().from(orders).orderBy(asc(orders.id)).limit(1).get()).toEqual({
    id: '1',
    customer: 'ada',
  });
  await expect(db.transaction(async () => {})).rejects.toMatchObject(refusedBy);
  await lock.record(0, processEvents);
  expect(await read()).toEqual(expected);
});

test('Drizzle writes and reads rows of PostgreSQL that are recorded with events', async () => {
  const { lock, read } = await lockIn('postgres');
  const orders = pgTable('paid_orders', { id: pgText('order_id').primaryKey(), customer: pgText() });
  const db = drizzleOnPostgres(lock.handle as PoolClient);
  await db.execute(sql.raw(create));
  await db.insert(orders).values([{ id: '1', customer: 'bob' }, { id: '2' }]);
  expect(await db.update(orders).set({ customer: 'ada' }).where(eq(orders.id, '1')).returning()).toEqual([
    { id: '1', customer: 'ada' },
  ]);
  expect(await db.select().from(orders).orderBy(asc(orders.id)).limit(1)).toEqual([
    { id: '1', customer: 'ada' },
  ]);
  await expect(db.transaction(async () => {})).rejects.toMatchObject(refusedBy);
  await lock.record(0, processEvents);
  expect(await read()).toEqual(expected);
});

/** Drizzle passes the error on as a cause. */
const refusedBy = { cause: { code: 'ROWS_REFUSED' } };
