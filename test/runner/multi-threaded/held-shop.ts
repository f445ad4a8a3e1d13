import { workerData } from 'node:worker_threads';
import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { Journal } from '../../../src/storage/memory/shared/journal.ts';
import { ThreadLock } from '../../../src/storage/memory/shared/thread-lock.ts';
import { isRaised, raise, take, untilLowered } from './file-flags.ts';

/** Reserves, holds or fails as the flags say. */
class HeldReservations extends Reservations {
  override readonly policy = this.when({
    'Order.Created': async (event, repository) => {
      if (isRaised('hold')) {
        raise('held');
        await untilLowered('hold');
      }
      if (take('exit')) process.exit(3);
      if (take('fail')) throw new Error('The policy fails.');
      if (take('block')) blockForEver();
      if (take('lock')) blockWithLock();
      return Reservation.for(event.originatorId, repository.deriveId());
    },
  });
}

export const heldShop = System.of(
  [
    [Orders, HeldReservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url, name: 'shop' },
);

/** A system with one worker. */
export const heldReserving = System.of([[Orders, HeldReservations]], {
  module: import.meta.url,
  name: 'reserving',
});

function blockForEver(): never {
  raise('blocked');
  for (;;);
}

/** Blocks as if in the middle of recording, until the flag `die` is raised. */
function blockWithLock(): void {
  const { reservations } = workerData.storage.options.journals;
  const lock = new ThreadLock(new Journal(reservations).lockWord);
  const block = () => {
    raise('blocked');
    while (!isRaised('die'));
    process.exit(3);
  };
  void lock.run(block, () => new Error('The lock is not available.'));
}
