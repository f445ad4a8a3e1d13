import { defineResources, System } from 'kahn';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Reservation } from '../../../../examples/shop/reservation.ts';
import { Reservations } from '../../../../examples/shop/reservations.ts';
import { isRaised, take } from '../../multi-threaded/file-flags.ts';

/** Flags: a policy fails, and a resource cannot be opened. */
export const fails = 'fail';
export const stuck = 'stuck';

const resources = defineResources({
  door: () => {
    if (isRaised(stuck)) throw new Error('the door is stuck');
    return {};
  },
});

class Failing extends Reservations {
  override readonly policy = this.when({
    'Order.Created': ({ originatorId }, repository) => {
      if (take(fails)) throw new RangeError('no goods');
      return Reservation.for(originatorId, repository.deriveId());
    },
  });
}

/** A shop whose threads may be unable to start. */
export const stuckShop = System.of([[Orders, Failing, Orders]], { module: import.meta.url, resources });
