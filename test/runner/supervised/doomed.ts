import { type NotificationLog, System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { hideCrash } from '../../support/watchers/hidden-crash.ts';
import { isRaised } from '../multi-threaded/file-flags.ts';

/** Reservations whose worker dies soon after each start. */
class DoomedReservations extends Reservations {
  override readonly policy = this.when({ 'Order.Paid': () => process.exit(3) });

  /** Dies by a timer soon after the flag `doom` is raised, although the worker became idle. */
  override follow(log: NotificationLog, batchSize?: number): void {
    super.follow(log, batchSize);
    setInterval(() => {
      if (!isRaised('doom')) return;
      hideCrash();
      throw new RangeError('the worker is doomed');
    }, 300);
  }
}

/** Ignores orders until one is paid, which ends the worker. */
export const doomed = System.of([[Orders, DoomedReservations]], { module: import.meta.url });
