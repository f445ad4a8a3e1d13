import { defineResources, System } from 'kahn';
import { Orders } from '../../../../examples/shop/orders.ts';
import { FailingReservations } from '../../multi-threaded/failing-reservations.ts';
import { isRaised } from '../../multi-threaded/file-flags.ts';

/** Flag: a resource cannot be opened. */
export const stuck = 'stuck';

const resources = defineResources({
  door: () => {
    if (isRaised(stuck)) throw new Error('the door is stuck');
    return {};
  },
});

/** A shop whose threads may be unable to start. */
export const stuckShop = System.of([[Orders, FailingReservations, Orders]], {
  module: import.meta.url,
  resources,
});
