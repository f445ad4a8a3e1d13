import { KahnError, SingleThreadedRunner, type StorageDescription, System, type SystemRunner } from 'kahn';
import { Order } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Payments } from '../../../../examples/shop/payments.ts';
import { Reservations } from '../../../../examples/shop/reservations.ts';
import { until } from '../../../support/until.ts';
import type { Answers } from './shop-answers.ts';

const customers = 8;

/** The shop while several customers place orders, each one after the other, also after errors. */
export class ShopUnderLoad implements Answers {
  readonly acknowledged: Set<string> = new Set();
  readonly unknown: Set<string> = new Set();
  readonly refused: Set<string> = new Set();
  readonly codes: Map<string, number> = new Map();
  readonly errors: Map<string, KahnError> = new Map();
  /** Orders that were placed without waiting for the earlier ones. */
  readonly #extra: Promise<void>[] = [];
  #orders: Orders | undefined;
  #isOpen = true;

  /** Runs the shop with customers. Starts `meanwhile` after the first order, and stops when that ends. */
  async serve(
    storage: StorageDescription,
    meanwhile: () => Promise<void>,
    start: (storage: StorageDescription) => Promise<SystemRunner<typeof Orders>> = startShop,
  ): Promise<void> {
    const runner = await start(storage);
    try {
      const orders = runner.get(Orders);
      this.#orders = orders;
      const served = Promise.all(Array.from({ length: customers }, () => this.#serveCustomer(orders)));
      // An empty log has no row that could be locked.
      const first = this.goesOn(1);
      await first.then(meanwhile).finally(() => {
        this.#isOpen = false;
      });
      await served;
      await Promise.all(this.#extra);
    } finally {
      await runner.close();
    }
  }

  /** Resolves when this many more orders are acknowledged. */
  async goesOn(orders = 24): Promise<void> {
    const enough = this.acknowledged.size + orders;
    await until('orders are taken again', () => this.acknowledged.size >= enough);
  }

  /** Resolves when an order has failed with this code. */
  async fails(code: string): Promise<void> {
    await until(`orders fail with ${code}`, () => {
      // All customers may wait for followers, whose storage is busy: their orders are recorded.
      if (this.#orders !== undefined && this.#extra.length < 1_000)
        this.#extra.push(this.#place(this.#orders));
      return this.codes.has(code);
    });
  }

  async #serveCustomer(orders: Orders): Promise<void> {
    while (this.#isOpen) await this.#place(orders);
  }

  async #place(orders: Orders): Promise<void> {
    const order = Order.place('ada');
    await orders.save(order).then(
      () => this.acknowledged.add(order.id),
      (error) => this.#note(order.id, error),
    );
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

/** Runs the shop until all is processed. */
export async function catchUp(storage: StorageDescription): Promise<void> {
  const runner = await SingleThreadedRunner.start(shop(), { storage });
  await runner.close();
}

function startShop(storage: StorageDescription) {
  return SingleThreadedRunner.start(shop(), { storage });
}

/** Returns a new system, since a failed test may leave one running. */
function shop() {
  return System.of([
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
  ]);
}
