import { MultiThreadedRunner, SingleThreadedRunner, type SystemRunner } from 'kahn';
import { median, type TimedAmongOthers as Run, timedAmongOthers } from '../measure.ts';
import type { Options } from '../options.ts';
import type { Section } from '../section.ts';
import { postgresName, type StorageKind } from '../storages.ts';
import { Table, verdictOf, whole } from '../table.ts';
import { census, readLogs } from '../verify-logs.ts';
import { burnMicros, calibrate } from './burn.ts';
import { BusyOrders, BusyPayments, BusyReservations, busyShop } from './busy-shop.ts';
import { scalingOfTwo } from './scaling.ts';

type BusyRunner = SystemRunner<(typeof busyShop.applications)[number]>;

const target = 1.4;
const defaultOrders = 2_000;
const warmUpRounds = 2; // no more are needed: what burns is not compiled by V8

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'single-threaded', width: 17 },
  { title: 'multi-threaded', width: 16 },
  { title: 'ratio', width: 8 },
  { title: '(rounds)', width: 14 },
  { title: 'others', width: 9 },
  { title: 'target', width: 8 },
  { title: '  verdict', width: -18 },
]);

/** How much faster a system with busy policies gets through many orders with a thread for each application. */
export const throughput: Section = {
  async heading({ rounds, orders = defaultOrders }) {
    calibrate();
    const scaling = await scalingOfTwo(rounds);
    return [
      `The shop with policies that work ${burnMicros} us on each event, ${whole(orders)} orders at once, in orders/s.`,
      'Half of that work is that of Orders, so more than 2 times as much is not to be had, on any number of cores;',
      `two threads that do nothing else get through ${scaling.toFixed(2)} times as much as one, here and now. 'others' is what`,
      'other processes had of all processors meanwhile, a database server included.\n',
      table.header,
    ].join('\n');
  },
  on: (storageKind) => [{ name: 'threads, throughput', run: (options) => race(storageKind, options) }],
};

/** Lets both runners process the same in turn; both go on running, and their threads warm. */
function race(storageKind: StorageKind, { rounds, orders = defaultOrders }: Options): Promise<string> {
  return storageKind.inNewPlace((one) =>
    storageKind.inNewPlace(async (other) => {
      await using single = await SingleThreadedRunner.start(busyShop.bind(one.storage));
      await using multi = await MultiThreadedRunner.start(busyShop.bind(other.storage));
      const inSingle: Run[] = [];
      const inMulti: Run[] = [];
      for (let round = 0; round < warmUpRounds + rounds; round += 1) {
        inSingle.push(await run(single, orders));
        inMulti.push(await run(multi, orders));
      }
      for (const runner of [single, multi]) await check(runner, orders * (warmUpRounds + rounds));
      return lineOf(storageKind.name, orders, inSingle.slice(warmUpRounds), inMulti.slice(warmUpRounds));
    }),
  );
}

function run(runner: BusyRunner, orders: number): Promise<Run> {
  const app = runner.get(BusyOrders);
  return timedAmongOthers(async () => {
    await Promise.all(Array.from({ length: orders }, (_, i) => app.place(`customer ${i + 1}`)));
    await runner.caughtUp();
  });
}

async function check(runner: BusyRunner, orders: number): Promise<void> {
  census(
    await readLogs([BusyOrders, BusyReservations, BusyPayments].map((kind) => runner.get(kind))),
    orders,
    5,
  );
}

function lineOf(storageKind: string, orders: number, single: readonly Run[], multi: readonly Run[]): string {
  const ratios = single.map(({ ms }, i) => ms / (multi[i]?.ms ?? Number.NaN));
  const targetHere = storageKind === postgresName ? undefined : target;
  return table.line([
    storageKind,
    perSecond(orders, single),
    perSecond(orders, multi),
    median(ratios).toFixed(2),
    `${Math.min(...ratios).toFixed(2)} - ${Math.max(...ratios).toFixed(2)}`,
    `${median([...single, ...multi].map(({ othersPercent }) => othersPercent)).toFixed(0)} %`,
    targetHere === undefined ? '' : targetHere.toFixed(1),
    `  ${verdictOf(median(ratios), targetHere, 2)}`,
  ]);
}

function perSecond(orders: number, runs: readonly Run[]): string {
  return whole((orders / median(runs.map(({ ms }) => ms))) * 1_000);
}
