import {
  Aggregate,
  type DomainEvent,
  type EventOfType,
  type PolicyRepository,
  type RecordedEvent,
} from 'kahn';
import type { ClickEvent } from '../clicks.ts';

export type TallyEvent = DomainEvent<'Tally.Marked', { number: number }>;

export class Tally extends Aggregate<TallyEvent> {}

/** Executes SQL, and resolves with rows as objects. */
export type Execute = (text: string) => Promise<readonly Record<string, unknown>[]>;

/** What tests do in the handler after the row of a click is written. */
export type Meanwhile<Rows> = (number: number, rows: Rows, open: () => Promise<Rows>) => Promise<void> | void;

/** Writes a row for a click, in the table that is named by its key, and makes an event with the same number. */
export async function mark(
  { data: { key, number } }: RecordedEvent<EventOfType<ClickEvent, 'Click.Made'>>,
  repository: PolicyRepository<TallyEvent>,
  execute: Execute,
): Promise<Tally> {
  const id = repository.deriveId();
  await execute(`create table if not exists ${key} (number integer primary key, id text)`);
  await execute(`insert into ${key} (number, id) values (${number}, '${id}')`);
  return Tally.create('Tally.Marked', { number }, id);
}

/** Reads the rows of a table; none if it does not exist. */
export async function marksIn(table: string, execute: Execute): Promise<Mark[]> {
  try {
    const rows = await execute(`select number, id from ${table} order by number`);
    return rows.map(({ number, id }) => ({ number: Number(number), id: String(id) }));
  } catch (error) {
    if (/no such table|does not exist/.test(String((error as Error).message))) return [];
    throw error;
  }
}

/** A row, or an event with the id of its aggregate. */
export interface Mark {
  readonly number: number;
  readonly id: string;
}
