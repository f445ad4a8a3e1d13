import { ProcessApplication, System } from 'kahn';
import { type PostgresRows, postgresRows } from 'kahn/postgres';
import { type ClickEvent, Clicks } from '../clicks.ts';
import { type Mark, type Meanwhile, mark, marksIn, type TallyEvent } from './tally.ts';

/** Records a row and an event for each click, with a client of `pg`. */
export class PostgresTallies extends ProcessApplication<TallyEvent, ClickEvent, { rows: PostgresRows }> {
  static readonly applicationName = 'tallies';
  static readonly emits = ['Tally.Marked'] as const;
  static readonly rows = postgresRows;

  meanwhile: Meanwhile<PostgresRows> = () => {};

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

export function executedBy(rows: PostgresRows) {
  return async (text: string) => (await rows.query(text)).rows;
}

export const postgresTallies: System<typeof Clicks | typeof PostgresTallies> = System.of(
  [[Clicks, PostgresTallies]],
  { module: import.meta.url },
);
