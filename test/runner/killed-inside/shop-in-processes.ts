import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { watchStatements } from '../../support/watchers/sqlite-statements.ts';
import { take } from '../multi-threaded/file-flags.ts';

/** Moments of a recording at which the process of the reservations is killed if the flag of that name is raised. */
export const moments = ['before insert', 'after insert', 'before commit', 'after commit'] as const;

/** The shop in processes that may be killed while they record in SQLite. */
export const dyingShop = System.of(
  [
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url, name: 'shop' },
);

const inReservations = () => process.title.startsWith('kahn reservations');
let isWriting = false;

watchStatements(
  ({ text }) => {
    if (text.startsWith('begin')) isWriting = text === 'begin immediate';
    dieAt('before', text);
  },
  ({ text }) => dieAt('after', text),
);

function dieAt(when: 'before' | 'after', text: string): void {
  if (!isWriting || !inReservations()) return;
  const [verb = ''] = text.split(' ');
  if (take(`${when} ${verb}`)) process.kill(process.pid, 'SIGKILL');
}
