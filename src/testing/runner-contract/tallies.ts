import type { DatabaseSync } from 'node:sqlite';
import type { Policy } from '../../application/policy/policy.ts';
import { Projection } from '../../application/projection/projection.ts';
import type { CreateContext, ProjectionHandler } from '../../application/projection/projection-context.ts';
import { type PostgresRows, postgresRows } from '../../storage/postgres/rows/postgres-rows.ts';
import type { RowsKind } from '../../storage/recorder.ts';
import { sqliteRows } from '../../storage/sqlite/rows/sqlite-rows.ts';
import { System } from '../../system/system.ts';
import { type OrderEvent, Orders, Payments, Reservations } from './shop.ts';

/** Handle of a driver. */
type Handle = DatabaseSync | PostgresRows;
type Row = Readonly<Record<string, unknown>>;

async function run(db: Handle, sql: string): Promise<readonly Row[]> {
  return 'prepare' in db ? (db.prepare(sql).all() as Row[]) : (await db.query<Row>(sql)).rows;
}

/** Counts events by their types, so that a lost or doubled one shows. */
export class Tallies extends Projection<OrderEvent, { rows: Handle }> {
  static readonly applicationName = 'tallies';
  static readonly schema = 1;
  static readonly tables = ['tallies'] as const;
  static readonly rows: RowsKind<Handle> = sqliteRows as RowsKind<Handle>;

  override async create({ db, tables }: CreateContext<Handle>): Promise<void> {
    await run(db, `create table ${tables.tallies} (type text primary key, count integer not null)`);
  }

  readonly #count: ProjectionHandler<OrderEvent, { rows: Handle }> = ({ type }, { db, tables }) =>
    run(
      db,
      `insert into ${tables.tallies} as known (type, count) values ('${type}', 1)
       on conflict (type) do update set count = known.count + 1`,
    );

  override readonly policy: Policy<OrderEvent, never> = this.project({
    'Order.Placed': this.#count,
    'Order.Reserved': this.#count,
    'Order.Paid': this.#count,
  });

  /** Reads the counts by type. */
  counts(): Promise<Readonly<Record<string, number>>> {
    return this.read(async ({ db, tables }) => {
      const rows = await run(db, `select type, count from ${tables.tallies}`);
      return Object.fromEntries(rows.map(({ type, count }) => [type, Number(count)]));
    });
  }
}

/** The same with a client of `pg`. */
export class PostgresTallies extends Tallies {
  static override readonly rows: RowsKind<Handle> = postgresRows as RowsKind<Handle>;
}

type TalliedShop = System<typeof Orders | typeof Reservations | typeof Payments | typeof Tallies>;

export const sqliteTalliedShop: TalliedShop = shopWith(Tallies, 'contract-tallied-shop-sqlite');
export const postgresTalliedShop: TalliedShop = shopWith(PostgresTallies, 'contract-tallied-shop-postgres');

function shopWith(tallies: typeof Tallies, name: string): TalliedShop {
  return System.of(
    [
      [Orders, Reservations, Orders],
      [Orders, Payments, Orders],
      [Orders, tallies],
    ],
    { module: import.meta.url, name },
  );
}
