import { defineResources, System } from 'kahn';
import { Orders } from '../../../../examples/shop/orders.ts';
import { FailingReservations } from '../../multi-threaded/failing-reservations.ts';
import { isRaised, untilLowered } from '../../multi-threaded/file-flags.ts';

/** Flags: what a worker opened is not closed as long as it is held, or cannot be closed. */
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

/** A shop whose workers exit late. */
export const slowExitShop = System.of([[Orders, FailingReservations, Orders]], {
  module: import.meta.url,
  resources,
});
