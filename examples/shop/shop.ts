import { System } from 'kahn';
import { Orders } from './orders.ts';
import { Payments } from './payments.ts';
import { Reservations } from './reservations.ts';

/** Every order ends reserved and paid: 5 events and 8 processed notifications each. */
export const shop = System.of(
  [
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url, name: 'shop' },
);
