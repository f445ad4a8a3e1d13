import { KahnError, SingleThreadedRunner, type StorageDescription, System } from 'kahn';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { until } from '../../support/until.ts';
import type { Answers } from './shop-answers.ts';

const customers = 8;

/** The shop while customers place orders, one after the other each, whatever they are told. */
export class ShopUnderLoad implements Answers {
  readonly acknowledged: Set<string> = new Set();
  readonly unknown: Set<string> = new Set();
  readonly refused: Set<string> = new Set();
  readonly codes: Map<string, number> = new Map();
  readonly errors: Map<string, KahnError> = new Map();
  #isOpen = true;

  /** Lets customers in, and from the first order that is done on for as long as `meanwhile` takes. */
  async serve(storage: StorageDescription, meanwhile: () => Promise<void>): Promise<void> {
    const runner = await SingleThreadedRunner.start(shop(), { storage });
    try {
      const orders = runner.get(Orders);
      const served = Promise.all(Array.from({ length: customers }, () => this.#serveCustomer(orders)));
      // A log that nobody has recorded in yet has no row that could be locked.
      const first = this.goesOn(1);
      await first.then(meanwhile).finally(() => {
        this.#isOpen = false;
      });
      await served;
    } finally {
      await runner.close();
    }
  }

  /** Resolves when so many more orders are acknowledged. */
  async goesOn(orders = 24): Promise<void> {
    const enough = this.acknowledged.size + orders;
    await until('orders are taken again', () => this.acknowledged.size >= enough);
  }

  /** Resolves when customers have been told of an error with this code. */
  async fails(code: string): Promise<void> {
    await until(`orders fail with ${code}`, () => this.codes.has(code));
  }

  async #serveCustomer(orders: Orders): Promise<void> {
    while (this.#isOpen) {
      const order = Order.place('ada');
      await orders.save(order).then(
        () => this.acknowledged.add(order.id),
        (error) => this.#note(order.id, error),
      );
    }
  }

  #note(id: string, error: unknown): void {
    if (!(error instanceof KahnError)) throw error;
    const known = error.code === 'DOWNSTREAM_FAILED' ? (error.cause as KahnError) : error;
    const recorded = known !== error;
    this.codes.set(known.code, (this.codes.get(known.code) ?? 0) + 1);
    this.errors.set(known.code, known);
    if (recorded) this.acknowledged.add(id);
    else if (error.code === 'STORAGE_OUTCOME_UNKNOWN') this.unknown.add(id);
    else this.refused.add(id);
  }
}

/** Starts the shop again, which processes what is left, and closes it. */
export async function catchUp(storage: StorageDescription): Promise<void> {
  const runner = await SingleThreadedRunner.start(shop(), { storage });
  await runner.close();
}

/** A system of its own, as a test that fails may leave one running. */
function shop() {
  return System.of([
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
  ]);
}
