import { appendFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { watchStatements } from '../../support/watchers/sqlite-statements.ts';

/** The file to which each commit of changes to a database of a directory adds a line. */
export function commitsIn(directory: string): string {
  return join(directory, 'commits');
}

/** The shop, in threads and processes that note the durability of each connection that commits. */
export const committingShop = System.of(
  [
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url },
);

/** Numbers of rows that connections had changed at their last commits. */
const changed = new WeakMap<object, unknown>();

watchStatements(({ text, database }) => {
  if (text !== 'commit' || database === undefined) return;
  const { changes } = database.prepare('select total_changes() as changes').get() ?? {};
  if (changes === (changed.get(database) ?? 0)) return; // it has only read
  changed.set(database, changes);
  const { synchronous } = database.prepare('pragma synchronous').get() ?? {};
  const path = database.location()!;
  appendFileSync(commitsIn(dirname(path)), `${basename(path)} ${synchronous}\n`);
});
