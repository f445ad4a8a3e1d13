import { type KeyRing, System } from 'kahn';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Payments } from '../../../../examples/shop/payments.ts';
import { Reservations } from '../../../../examples/shop/reservations.ts';
import { secretKey } from './secret-key.ts';

// The shop of the examples after changes that keep its logs: run on one storage, the systems continue each other.

const module = import.meta.url;

const ring: KeyRing = { current: 'k1', keys: { k1: secretKey } };

/** The shop with encryption and compression. */
export const sealedShop = System.of(
  [
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module, name: 'sealedShop', encryption: { keys: () => ring }, compression: { threshold: 200 } },
);

type WithoutName<T> = Omit<T, 'applicationName'>;

/** Orders under another name. */
export class Sales extends (Orders as WithoutName<typeof Orders> & (new () => Orders)) {
  static readonly applicationName = 'sales';
  static readonly recordedAs = 'orders';
}

/** The shop whose orders were renamed. */
export const renamedShop = System.of(
  [
    [Sales, Reservations, Sales],
    [Sales, Payments, Sales],
  ],
  { module, name: 'renamedShop' },
);

/** The shop whose orders were renamed, with encryption. */
export const renamedSealedShop = System.of(
  [
    [Sales, Reservations, Sales],
    [Sales, Payments, Sales],
  ],
  { module, name: 'renamedSealedShop', encryption: { keys: () => ring } },
);
