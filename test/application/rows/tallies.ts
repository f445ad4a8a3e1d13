import type { DatabaseSync } from 'node:sqlite';
import { Aggregate, type DomainEvent, type PolicyContext, ProcessApplication } from 'kahn';
import { sqliteRows } from 'kahn/sqlite';
import type { ClickEvent } from '../../support/systems/clicks.ts';

export type TallyEvent = DomainEvent<'Tally.Marked', { number: number }>;

export class Tally extends Aggregate<TallyEvent> {}

/** What tests run in the handler, after the row of a click is written. */
type Meanwhile = (
  number: number,
  context: PolicyContext<{ rows: DatabaseSync }>,
  rows: DatabaseSync,
) => Promise<void> | void;

/** Records a row and an event for each click, with the handle of SQLite. */
export class SqliteTallies extends ProcessApplication<TallyEvent, ClickEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'tallies';
  static readonly emits = ['Tally.Marked'] as const;
  static readonly rows = sqliteRows;

  meanwhile: Meanwhile = () => {};

  override readonly policy = this.when({
    'Click.Made': async ({ data: { number } }, repository, context) => {
      const rows = await context.rows();
      rows.exec('create table if not exists tally_rows (number integer primary key, id text)');
      const id = repository.deriveId();
      rows.prepare('insert into tally_rows (number, id) values (?, ?)').run(number, id);
      await this.meanwhile(number, context, rows);
      return Tally.create('Tally.Marked', { number }, id);
    },
  });

  /** Returns the numbers of the events and of the rows, each in order. */
  async marked(): Promise<{ events: number[]; rows: number[] }> {
    const events: number[] = [];
    for await (const { event } of this.reader()) events.push(event.data.number);
    const rows = await this.readRows((handle) => {
      const tables = handle.prepare("select 1 from sqlite_schema where name = 'tally_rows'").all();
      if (tables.length === 0) return [];
      return handle.prepare('select number from tally_rows order by number').all();
    });
    return { events, rows: rows.map(({ number }) => Number(number)) };
  }
}
