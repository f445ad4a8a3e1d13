import { type NotificationLog, System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { hideCrash } from '../../support/watchers/hidden-crash.ts';
import { isRaised } from '../multi-threaded/file-flags.ts';

/** Its thread or process does not live long. */
class DoomedReservations extends Reservations {
  override readonly policy = this.when({ 'Order.Paid': () => process.exit(3) });

  /** Dies by a timer, soon after it has come to rest, or after the sign for it was raised. */
  override follow(log: NotificationLog, batchSize?: number): void {
    super.follow(log, batchSize);
    setInterval(() => {
      if (!isRaised('doom')) return;
      hideCrash();
      throw new RangeError('its time has come');
    }, 300);
  }
}

/** Orders are ignored until one is paid: that is deadly. */
export const doomed = System.of([[Orders, DoomedReservations]], { module: import.meta.url });
