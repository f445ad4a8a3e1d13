import type { DatabaseSync } from 'node:sqlite';
import { ProcessApplication, System } from 'kahn';
import { sqliteRows } from 'kahn/sqlite';
import { type ClickEvent, Clicks } from '../clicks.ts';
import { type Mark, type Meanwhile, mark, marksIn, type TallyEvent } from './tally.ts';

/** Records a row and an event for each click, with the handle of SQLite. */
export class SqliteTallies extends ProcessApplication<TallyEvent, ClickEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'tallies';
  static readonly emits = ['Tally.Marked'] as const;
  static readonly rows = sqliteRows;

  meanwhile: Meanwhile<DatabaseSync> = () => {};

  override readonly policy = this.when({
    'Click.Made': async (event, repository, context) => {
      const rows = await context.rows();
      const tally = await mark(event, repository, executedBy(rows));
      await this.meanwhile(event.data.number, rows, () => context.rows());
      return tally;
    },
  });

  marks(table: string): Promise<Mark[]> {
    return this.readRows((rows) => marksIn(table, executedBy(rows)));
  }
}

export function executedBy(rows: DatabaseSync) {
  return async (text: string) => rows.prepare(text).all();
}

export const sqliteTallies: System<typeof Clicks | typeof SqliteTallies> = System.of(
  [[Clicks, SqliteTallies]],
  {
    module: import.meta.url,
  },
);
