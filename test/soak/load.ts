import { pipelineFor, type SystemRunner } from 'kahn';
import { Order } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';

/** Number of clients, which is also the greatest number of orders under way. */
export const clients = 100;

/** Time within which an order must be reserved and paid, in ms. */
const patienceMs = 60_000;

/** Clients that place orders until the load ends. */
export class Load {
  readonly #runner: SystemRunner<typeof Orders>;
  readonly #pipelineIds: readonly number[];
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  /** Number of orders that were placed and then reserved and paid. */
  settled = 0;

  constructor(runner: SystemRunner<typeof Orders>, pipelineIds: readonly number[]) {
    this.#runner = runner;
    this.#pipelineIds = pipelineIds;
    const all = Array.from({ length: clients }, (_, i) => this.#placeOrders(`customer ${i}`));
    this.#running = Promise.all(all).then(() => {});
    this.#running.catch(() => {}); // end() rejects
  }

  /** Resolves when every order that was placed is reserved and paid. Rejects if a client has failed. */
  end(): Promise<void> {
    this.#ending.abort();
    return this.#running;
  }

  /** Rejects as soon as a client fails, else resolves after {@link end}. */
  get running(): Promise<void> {
    return this.#running;
  }

  /** Places one order after the other, each when the one before is reserved and paid. */
  async #placeOrders(customer: string): Promise<void> {
    const orders = this.#runner.get(Orders, pipelineFor(customer, this.#pipelineIds));
    const patience = new AbortController();
    // One timer for all orders: those of AbortSignal.timeout() would fill the heap that is measured.
    const timer = setTimeout(
      () => patience.abort(new Error(`An order of ${customer} took too long.`)),
      patienceMs,
    );
    try {
      while (!this.#ending.signal.aborted) {
        timer.refresh();
        const saved = await orders.save(Order.place(customer));
        await this.#runner.settled(saved, { signal: patience.signal });
        this.settled += 1;
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
