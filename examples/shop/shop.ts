import { System } from 'kahn';
import { Orders } from './orders.ts';
import { Payments } from './payments.ts';
import { Reservations } from './reservations.ts';

/** A shop that reserves every order and takes its payment: 5 events and 8 processed notifications per order. */
export const shop = System.of(
  [
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url, name: 'shop' },
);
