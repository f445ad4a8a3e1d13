import { setTimeout as delay } from 'node:timers/promises';
import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { raise, take } from '../multi-threaded/file-flags.ts';

/** Causes the faults that the flags name. */
class TroubledReservations extends Reservations {
  override readonly policy = this.when({
    'Order.Created': async (event, repository) => {
      if (take('linger')) process.once('exit', linger);
      if (take('survive')) await surviveAnError();
      return Reservation.for(event.originatorId, repository.deriveId());
    },
  });
}

export const troubledShop = System.of([[Orders, TroubledReservations]], {
  module: import.meta.url,
  name: 'troubled shop',
});

/** An exit handler that takes 300 ms. */
function linger(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  raise('exited');
}

async function surviveAnError(): Promise<void> {
  process.once('uncaughtException', () => {});
  setTimeout(() => {
    throw new RangeError('this is caught');
  });
  await delay(50);
}
