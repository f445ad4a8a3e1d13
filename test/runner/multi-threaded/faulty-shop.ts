import { System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { hideCrash } from '../../support/watchers/hidden-crash.ts';
import { take } from './file-flags.ts';

/** Faults while an order of mallory is reserved, each as often as the flag of its name says. */
const faults = {
  'policy error': () => {
    throw new RangeError('nothing for mallory');
  },
  'uncaught exception': () => {
    setTimeout(() => {
      hideCrash();
      throw new RangeError('not caught anywhere');
    });
    return new Promise<never>(() => {});
  },
  'process.exit': () => process.exit(3),
  'memory limit': () => {
    const hoard: number[][] = [];
    for (;;) hoard.push(Array.from({ length: 1_000 }, (_, i) => i + hoard.length));
  },
};

export type Fault = keyof typeof faults;

function faulty(name: Fault) {
  class FaultyReservations extends Reservations {
    override readonly policy = this.when({
      'Order.Created': async (event, repository) => {
        if (event.data.customer === 'mallory' && take(name)) await faults[name]();
        return Reservation.for(event.originatorId, repository.deriveId());
      },
    });
  }
  return System.of(
    [
      [Orders, FaultyReservations, Orders],
      [Orders, Payments, Orders],
    ],
    { module: import.meta.url, name },
  );
}

export const failingShop = faulty('policy error');
export const throwingShop = faulty('uncaught exception');
export const exitingShop = faulty('process.exit');
export const hoardingShop = faulty('memory limit');
