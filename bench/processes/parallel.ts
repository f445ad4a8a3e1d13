import assert from 'node:assert/strict';
import { loadavg } from 'node:os';
import { median, timed } from '../measure.ts';
import type { Options } from '../options.ts';
import type { Section } from '../section.ts';
import { memoryKind, type StorageKind } from '../storages.ts';
import { Table, whole } from '../table.ts';
import { burnMicros, calibrate } from '../threads/burn.ts';
import { type BusyShopCandidate, candidates, type RunningBusyShop } from './candidates.ts';

const defaultOrders = 2_000;
const warmUpRounds = 2;

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'runner', width: -24 },
  { title: 'orders/s', width: 10 },
  { title: 'ratio', width: 8 },
  { title: '(rounds)', width: 14 },
]);

/** Throughput of processes with more and more pipelines, relative to one thread. */
export const parallel: Section = {
  heading({ orders = defaultOrders }) {
    calibrate();
    return [
      `The shop with policies that take ${burnMicros} us per event, four times per order, ${whole(orders)} concurrent orders,`,
      'all runners in turn. The ratio is relative to one thread in the same round.',
      `Load average ${loadavg()[0]?.toFixed(1)}.\n`,
      table.header,
    ].join('\n');
  },
  // Processes cannot share memory().
  on: (storageKind) =>
    storageKind.name === memoryKind.name
      ? []
      : [{ name: 'processes', run: (options) => compare(storageKind, options) }],
};

/** Measures all runners in turn. All stay open, so that their code stays compiled. */
async function compare(
  storageKind: StorageKind,
  { rounds, orders = defaultOrders }: Options,
): Promise<string> {
  const running: RunningBusyShop[] = [];
  const rates: number[][] = candidates.map(() => []);
  const withStorages = async (remaining: readonly BusyShopCandidate[]): Promise<void> => {
    const [next, ...others] = remaining;
    if (next === undefined) {
      for (let round = 0; round < warmUpRounds + rounds; round += 1) {
        for (const [i, shop] of running.entries()) rates[i]?.push(await ordersPerSecond(shop, orders));
      }
      for (const shop of running) await check(shop, orders * (warmUpRounds + rounds));
      return;
    }
    await storageKind.withFreshStorage(async ({ storage }) => {
      await using shop = await next.start(storage);
      running.push(shop);
      await withStorages(others);
    });
  };
  await withStorages(candidates);
  const measured = rates.map((all) => all.slice(warmUpRounds));
  return candidates
    .map(({ name }, i) => lineOf(storageKind.name, name, measured[i] ?? [], measured[0] ?? []))
    .join('\n');
}

async function ordersPerSecond(shop: RunningBusyShop, orders: number): Promise<number> {
  const { ms } = await timed(async () => {
    const customers = Array.from({ length: orders }, (_, i) => `customer ${i + 1}`);
    await Promise.all(customers.map((customer) => shop.ordersFor(customer).place(customer)));
    await shop.caughtUp();
  });
  return (orders / ms) * 1_000;
}

/** Asserts that every order has its reservation and its payment, over all pipelines. */
async function check(shop: RunningBusyShop, orders: number): Promise<void> {
  const heads = await Promise.all(
    shop.pipelineIds.map((id) => Promise.all(shop.applicationsIn(id).map(({ log }) => log.head()))),
  );
  const sums = heads.reduce((sum, one) => sum.map((head, i) => head + (one[i] ?? 0)));
  assert.deepEqual(sums, [3 * orders, orders, orders]);
}

function lineOf(
  storageName: string,
  name: string,
  rates: readonly number[],
  single: readonly number[],
): string {
  const ratios = rates.map((rate, i) => rate / (single[i] ?? Number.NaN));
  return table.line([
    storageName,
    name,
    whole(median(rates)),
    median(ratios).toFixed(2),
    `${Math.min(...ratios).toFixed(2)} - ${Math.max(...ratios).toFixed(2)}`,
  ]);
}
