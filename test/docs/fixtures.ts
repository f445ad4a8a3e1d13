export { DatabaseSync } from 'node:sqlite';

import { memory, SteppingSingleThreadedRunner, type StorageDescription } from 'kahn';
import { Orders } from '../../examples/shop/orders.ts';
import type { Payments } from '../../examples/shop/payments.ts';
import type { Reservations } from '../../examples/shop/reservations.ts';
import { shop } from '../../examples/shop/shop.ts';

// Names that doc comments of src/ use without declaring them.
export const storage: StorageDescription = memory();
export const orders: Orders = await shop.open(Orders);
/**
 * A copy of the shop, so that the examples can run the shop itself. The runner is paused, so it ends with the process.
 */
export const runner: SteppingSingleThreadedRunner<typeof Orders | typeof Payments | typeof Reservations> =
  await SteppingSingleThreadedRunner.start(shop.bind(memory()), { paused: true });

export class Money {
  readonly cents: number;

  constructor(cents: number) {
    this.cents = cents;
  }
}
