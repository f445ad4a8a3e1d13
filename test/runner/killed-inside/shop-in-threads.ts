import { isMainThread, workerData } from 'node:worker_threads';
import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { Journal } from '../../../src/storage/memory/shared/journal.ts';
import { take } from '../multi-threaded/file-flags.ts';

/** Moments of a recording at which the thread of the reservations ends if the flag of that name is raised. */
export const moments = ['before write', 'after write', 'before commit', 'after commit'] as const;

/** The shop in threads that may end while they record in shared memory. */
export const dyingShop = System.of(
  [
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url, name: 'shop' },
);

const { write, commit } = Journal.prototype;

Journal.prototype.write = function (entry) {
  endAt('before write');
  const end = write.call(this, entry);
  endAt('after write');
  return end;
};

Journal.prototype.commit = function (end) {
  endAt('before commit');
  commit.call(this, end);
  endAt('after commit');
};

function endAt(moment: (typeof moments)[number]): void {
  if (isMainThread) return;
  const { board, index } = workerData;
  if (board.assignments[index].applicationName === 'reservations' && take(moment)) process.exit(3);
}
