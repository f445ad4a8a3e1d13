import { System } from 'kahn';
import { Orders } from '../../examples/shop/orders.ts';
import { Payments } from '../../examples/shop/payments.ts';
import { Reservations } from '../../examples/shop/reservations.ts';
import { reportMemory } from './memory-report.ts';

// Each thread and process of a runner imports this module.
reportMemory();

/** The shop, whose threads and processes report their memory. */
export const soakedShop = System.of(
  [
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module: import.meta.url, name: 'soaked shop' },
);
