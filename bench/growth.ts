import { Order } from '../examples/shop/order.ts';
import { Orders } from '../examples/shop/orders.ts';
import { shop } from '../examples/shop/shop.ts';
import { collectGarbage, median, timed } from './measure.ts';
import type { Options } from './options.ts';
import type { Section } from './section.ts';
import { memoryKind, type StorageKind } from './storages.ts';
import { micros, Table, whole } from './table.ts';

const ordersAtOnce = 1_000;
const batchesPerRound = 20;
const reads = 500;
const pageSize = 100;

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'events', width: 11 },
  { title: 'append', width: 10 },
  { title: 'save', width: 11 },
  { title: 'load', width: 10 },
  { title: `page of ${pageSize}`, width: 14 },
  { title: 'heap', width: 10 },
  { title: 'resident', width: 11 },
]);

/** What an event costs in a short log and in a long one, and the memory that the log takes. */
export const growth: Section = {
  heading: () =>
    `One log while it grows. An event appended with ${whole(ordersAtOnce)} others, one saved alone, an old aggregate loaded, and a page\n` +
    `read from the middle of the log: medians. Memory of the whole process, after garbage collection.\n\n${table.header}`,
  on: (storageKind) => [{ name: 'growth', run: (options) => measure(storageKind, options) }],
};

function measure(storageKind: StorageKind, options: Options): Promise<string> {
  return storageKind.withFreshStorage(async ({ storage }) => {
    await using orders = await shop.open(Orders, { storage });
    const log = new GrowingLog(orders);
    const lines: string[] = [];
    for (const size of sizesOn(storageKind, options)) {
      const appendMs = await log.growTo(size);
      const saveMs = await log.saveOneByOne(reads);
      const { heapUsed, rss } = collectGarbage();
      lines.push(
        table.line([
          storageKind.name,
          whole(size),
          micros(appendMs),
          micros(saveMs),
          micros(await log.loadOldOnes()),
          micros(await log.readPages()),
          `${whole(heapUsed / 2 ** 20)} MiB`,
          `${whole(rss / 2 ** 20)} MiB`,
        ]),
      );
    }
    return lines.join('\n');
  });
}

function sizesOn(storageKind: StorageKind, { orders }: Options): readonly number[] {
  const largest = orders ?? (storageKind === memoryKind ? 1_000_000 : 2_000_000);
  return [10_000, 1_000_000, 2_000_000].filter((size) => size <= largest);
}

/** The log of the orders of the shop. */
class GrowingLog {
  readonly #orders: Orders;
  readonly #ids: string[] = [];

  constructor(orders: Orders) {
    this.#orders = orders;
  }

  /** Appends orders up to a number of events; returns the median time per event of the last batches, in ms. */
  async growTo(size: number): Promise<number> {
    const times: number[] = [];
    while (this.#ids.length < size) {
      const batch = Array.from({ length: Math.min(ordersAtOnce, size - this.#ids.length) }, () =>
        Order.place('ada'),
      );
      const { ms } = await timed(() => this.#orders.save(...batch));
      times.push(ms / batch.length);
      for (const { id } of batch) this.#ids.push(id);
    }
    return median(times.slice(-batchesPerRound));
  }

  /** Saves orders one at a time; returns the median time, in ms. */
  async saveOneByOne(count: number): Promise<number> {
    return medianOf(count, async () => {
      const order = Order.place('ada');
      await this.#orders.save(order);
      this.#ids.push(order.id);
    });
  }

  /** Loads orders from everywhere in the log; returns the median time, in ms. */
  loadOldOnes(): Promise<number> {
    const step = Math.floor(this.#ids.length / 2 / reads);
    return medianOf(reads, (i) => this.#orders.repository.get(Order, this.#ids[i * step] ?? ''));
  }

  /** Reads pages from the middle of the log; returns the median time, in ms. */
  readPages(): Promise<number> {
    const middle = Math.floor(this.#ids.length / 2);
    return medianOf(reads, (i) => this.#orders.log.select(middle + i, pageSize));
  }
}

async function medianOf(count: number, work: (index: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) times.push((await timed(() => work(i))).ms);
  return median(times);
}
