import { Reservation } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { take } from './file-flags.ts';

/** Flag: a policy fails. */
export const fails = 'fail';

/** Reservations whose policy fails if the flag is raised. */
export class FailingReservations extends Reservations {
  override readonly policy = this.when({
    'Order.Created': ({ originatorId }, repository) => {
      if (take(fails)) throw new RangeError('no goods');
      return Reservation.for(originatorId, repository.deriveId());
    },
  });
}
