import { defineResources, System } from 'kahn';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Reservation } from '../../../../examples/shop/reservation.ts';
import { Reservations } from '../../../../examples/shop/reservations.ts';
import { isRaised, take, untilLowered } from '../../multi-threaded/file-flags.ts';

/** Flags: a policy fails, and what a worker opened is not closed as long as it is held. */
export const fails = 'fail';
export const held = 'hold';
export const failsToClose = 'fail to close';

const resources = defineResources({
  door: ({ onClose }) => {
    onClose(async () => {
      await untilLowered(held);
      if (isRaised(failsToClose)) throw new Error('the door is stuck');
    });
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

/** A shop whose workers exit late. */
export const slowExitShop = System.of([[Orders, Failing, Orders]], { module: import.meta.url, resources });
