import { appendFileSync, existsSync } from 'node:fs';
import { System } from 'kahn';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Payments } from '../../../../examples/shop/payments.ts';
import { Reservation } from '../../../../examples/shop/reservation.ts';
import { Reservations } from '../../../../examples/shop/reservations.ts';

/** Reserves orders of a customer whose name is an absolute path only while there is such a file. */
export class NeedyReservations extends Reservations {
  override readonly policy = this.when({
    'Order.Created': ({ data: { customer }, originatorId }, repository) => {
      if (customer.startsWith('/') && !existsSync(customer)) {
        appendFileSync(`${customer}.tries`, '.');
        throw new RangeError(`no file ${customer}`);
      }
      return Reservation.for(originatorId, repository.deriveId());
    },
  });
}

/** Parks orders while the file is missing. */
export class ParkingReservations extends NeedyReservations {
  static readonly errorRules = [{ error: RangeError, action: 'park' }] as const;
}

/** The shop with a policy that parks orders while a file is missing. */
export const parkingShop = System.of(
  [
    [Orders, ParkingReservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url, name: 'parking shop' },
);

/** The shop with a policy that fails while a file is missing, which a test makes: the world is mended. */
export const needyShop = System.of(
  [
    [Orders, NeedyReservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url, name: 'needy shop' },
);

/** Tries again while the file is missing. */
export class PatientReservations extends NeedyReservations {
  static readonly errorRules = [
    { error: RangeError, retry: { times: 10_000, firstMs: 5, maxMs: 20 } },
  ] as const;
}

/** The shop with a policy that is tried again while a file is missing. */
export const patientShop = System.of(
  [
    [Orders, PatientReservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url, name: 'patient shop' },
);

/** Tries again a few times while the file is missing, then fails. */
export class ImpatientReservations extends NeedyReservations {
  static readonly errorRules = [{ error: RangeError, retry: { times: 3, firstMs: 5, maxMs: 20 } }] as const;
}

/** The shop with a policy that fails after a few tries while a file is missing. */
export const impatientShop = System.of(
  [
    [Orders, ImpatientReservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url, name: 'impatient shop' },
);
