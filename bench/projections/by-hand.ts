import { DatabaseSync } from 'node:sqlite';
import type { StoredNotification } from 'kahn';
import pg from 'pg';
import type { Layout } from '../../src/storage/sqlite/layout/file.ts';
import { prepare, rows, sql } from '../../src/storage/sqlite/statements.ts';
import { batchSize } from '../baseline/follower.ts';
import { timed } from '../measure.ts';
import { PostgresLog } from '../postgres/baseline-log.ts';
import { type Built, columns, postgresUpsert, sqliteUpsert } from './order-list.ts';

/** Reads notifications with ids above `after`. */
type ReadPage = (
  after: number,
) => readonly Pick<StoredNotification, 'id' | 'originatorId' | 'type' | 'data'>[];

const positions =
  'create table if not exists hand_positions (name text primary key, position integer not null)';
const countCustomers = (table: string) => `select count(distinct customer) as count from ${table}`;

/** Builds a list of orders in an open database of SQLite, from pages of a log. */
async function buildIn(database: DatabaseSync, name: string, readPage: ReadPage): Promise<Built> {
  const table = `"${name}"`;
  database.exec(`create table ${table} ${columns}`);
  database.exec(positions);
  database.prepare('insert into hand_positions values (?, 0)').run(name);
  const begin = database.prepare(sql.beginWrite);
  const commit = database.prepare(sql.commit);
  const upsert = database.prepare(sqliteUpsert(table));
  const move = database.prepare('update hand_positions set position = ? where name = ? and position = ?');
  const { ms } = await timed(() => {
    for (let position = 0; ; ) {
      const page = readPage(position);
      const last = page.at(-1);
      if (last === undefined) return;
      begin.run();
      for (const { type, originatorId, data } of page)
        if (type === 'Order.Created') upsert.run(originatorId, JSON.parse(data).customer);
      if (move.run(last.id, name, position).changes === 0) throw new Error(`${name} is not at ${position}.`);
      commit.run();
      position = last.id;
    }
  });
  return { ms, customers: Number(database.prepare(countCustomers(table)).get()?.count) };
}

/** Builds a list of orders in a database in memory, from a log in memory. */
export async function buildInMemory(name: string, log: readonly StoredNotification[]): Promise<Built> {
  using database = new DatabaseSync(':memory:');
  return await buildIn(database, name, (after) => log.slice(after, after + batchSize));
}

/** Builds a list of orders in the file of the log. */
export async function buildInSqlite(
  name: string,
  layout: Layout,
  synchronous: 'FULL' | 'NORMAL',
): Promise<Built> {
  const { path, tables } = layout.fileOf('orders');
  using database = new DatabaseSync(path);
  database.exec(sql.synchronous[synchronous]);
  const { notifications } = prepare(database, tables);
  return await buildIn(database, name, (after) =>
    rows(notifications, 0, after, batchSize).map(
      ([id, originatorId, , type, data]) => ({ id, originatorId, type, data }) as StoredNotification,
    ),
  );
}

/** Builds a list of orders in the schema of the log. */
export async function buildInPostgres(
  name: string,
  connectionString: string,
  schema: string,
): Promise<Built> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const table = `${schema}."${name}"`;
    await client.query(`create table ${table} ${columns}`);
    await client.query(positions.replace('hand_positions', `${schema}.hand_positions`));
    await client.query(`insert into ${schema}.hand_positions values ($1, 0)`, [name]);
    const log = await PostgresLog.open(client, schema, 'orders');
    const upsert = postgresUpsert(table);
    const move = `update ${schema}.hand_positions set position = $1 where name = $2 and position = $3`;
    const { ms } = await timed(async () => {
      for (let position = 0; ; ) {
        const page = await log.read(position, batchSize);
        const last = page.at(-1);
        if (last === undefined) return;
        await client.query('begin');
        for (const { type, originatorId, data } of page)
          if (type === 'Order.Created') await client.query(upsert, [originatorId, JSON.parse(data).customer]);
        const { rowCount } = await client.query(move, [last.id, name, position]);
        if (rowCount === 0) throw new Error(`${name} is not at ${position}.`);
        await client.query('commit');
        position = last.id;
      }
    });
    const { rows: counts } = await client.query(countCustomers(table));
    return { ms, customers: Number(counts[0].count) };
  } finally {
    await client.end();
  }
}
