import type { DatabaseSync } from 'node:sqlite';
import { type DomainEvent, type PolicyContext, ProcessApplication, type RowsKind } from 'kahn';
import { type PostgresRows, postgresRows } from 'kahn/postgres';
import { sqliteRows } from 'kahn/sqlite';
import { expectTypeOf } from 'vitest';

type Made = DomainEvent<'Made', { n: number }>;

expectTypeOf(sqliteRows).toEqualTypeOf<RowsKind<DatabaseSync>>();
expectTypeOf(postgresRows).toEqualTypeOf<RowsKind<PostgresRows>>();

class Sqlite extends ProcessApplication<never, Made, { rows: DatabaseSync }> {
  static readonly applicationName = 'sqlite';
  static readonly emits = [] as const;
  static readonly rows = sqliteRows;

  override readonly policy = this.when({
    Made: async ({ data }, _repository, { rows }) => {
      expectTypeOf(rows).returns.resolves.toEqualTypeOf<DatabaseSync>();
      (await rows()).prepare('insert into numbers values (?)').run(data.n);
    },
  });
}

expectTypeOf(new Sqlite().readRows((db) => db.prepare('').all().length)).resolves.toEqualTypeOf<number>();
// @ts-expect-error a DatabaseSync has no query()
new Sqlite().readRows((db) => db.query('select 1'));

class Postgres extends ProcessApplication<never, Made, { rows: PostgresRows }> {
  static readonly applicationName = 'postgres';
  static readonly emits = [] as const;
  static readonly rows = postgresRows;

  override readonly policy = this.when({
    Made: async (_event, _repository, { rows }) => {
      const { rows: found } = await (await rows()).query<{ n: number }>('select 1 as n');
      expectTypeOf(found).toEqualTypeOf<{ n: number }[]>();
    },
  });
}
void Postgres;

expectTypeOf<PolicyContext['rows']>().returns.resolves.toEqualTypeOf<unknown>();
