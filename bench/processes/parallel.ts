import assert from 'node:assert/strict';
import { loadavg } from 'node:os';
import { median, timed } from '../measure.ts';
import type { Options } from '../options.ts';
import type { Section } from '../section.ts';
import { memoryKind, type StorageKind } from '../storages.ts';
import { Table, whole } from '../table.ts';
import { burnMicros, calibrate } from '../threads/burn.ts';
import { type Contestant, contestants, type RunningShop } from './candidates.ts';

const defaultOrders = 2_000;
const warmUpRounds = 2;

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'runner', width: -24 },
  { title: 'orders/s', width: 10 },
  { title: 'ratio', width: 8 },
  { title: '(rounds)', width: 14 },
]);

/** How much faster processes get through many orders with more pipelines, and what that costs. */
export const parallel: Section = {
  heading({ orders = defaultOrders }) {
    calibrate();
    return [
      `The shop with policies that work ${burnMicros} us on each event, four times for an order, ${whole(orders)} orders at once,`,
      'all runners in turn. The ratio is to one thread in the round right before.',
      `Load average ${loadavg()[0]?.toFixed(1)}.\n`,
      table.header,
    ].join('\n');
  },
  // Processes have no memory() in common.
  on: (storageKind) =>
    storageKind.name === memoryKind.name
      ? []
      : [{ name: 'processes', run: (options) => race(storageKind, options) }],
};

/** Lets all process the same in turn; all go on running, and stay warm. */
async function race(storageKind: StorageKind, { rounds, orders = defaultOrders }: Options): Promise<string> {
  const running: RunningShop[] = [];
  const rates: number[][] = contestants.map(() => []);
  const inPlaces = async (left: readonly Contestant[]): Promise<void> => {
    const [next, ...others] = left;
    if (next === undefined) {
      for (let round = 0; round < warmUpRounds + rounds; round += 1) {
        for (const [i, shop] of running.entries()) rates[i]?.push(await ordersPerSecond(shop, orders));
      }
      for (const shop of running) await check(shop, orders * (warmUpRounds + rounds));
      return;
    }
    await storageKind.inNewPlace(async ({ storage }) => {
      await using shop = await next.start(storage);
      running.push(shop);
      await inPlaces(others);
    });
  };
  await inPlaces(contestants);
  const measured = rates.map((all) => all.slice(warmUpRounds));
  return contestants
    .map(({ name }, i) => lineOf(storageKind.name, name, measured[i] ?? [], measured[0] ?? []))
    .join('\n');
}

async function ordersPerSecond(shop: RunningShop, orders: number): Promise<number> {
  const { ms } = await timed(async () => {
    const customers = Array.from({ length: orders }, (_, i) => `customer ${i + 1}`);
    await Promise.all(customers.map((customer) => shop.ordersFor(customer).place(customer)));
    await shop.caughtUp();
  });
  return (orders / ms) * 1_000;
}

/** Every order is an order, a reservation and a payment, whatever the pipelines. */
async function check(shop: RunningShop, orders: number): Promise<void> {
  const heads = await Promise.all(
    shop.pipelineIds.map((id) => Promise.all(shop.applicationsIn(id).map(({ log }) => log.head()))),
  );
  const sums = heads.reduce((sum, one) => sum.map((head, i) => head + (one[i] ?? 0)));
  assert.deepEqual(sums, [3 * orders, orders, orders]);
}

function lineOf(
  storageKind: string,
  name: string,
  rates: readonly number[],
  single: readonly number[],
): string {
  const ratios = rates.map((rate, i) => rate / (single[i] ?? Number.NaN));
  return table.line([
    storageKind,
    name,
    whole(median(rates)),
    median(ratios).toFixed(2),
    `${Math.min(...ratios).toFixed(2)} - ${Math.max(...ratios).toFixed(2)}`,
  ]);
}
