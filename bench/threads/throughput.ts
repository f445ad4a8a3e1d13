import { MultiThreadedRunner, SingleThreadedRunner, type SystemRunner } from 'kahn';
import { median, type TimedAmongOthers as Run, timedAmongOthers } from '../measure.ts';
import type { Options } from '../options.ts';
import type { Section } from '../section.ts';
import { postgresName, type StorageKind } from '../storages.ts';
import { Table, verdictOf, whole } from '../table.ts';
import { readLogs, verifyLogs } from '../verify-logs.ts';
import { burnMicros, calibrate } from './burn.ts';
import { BusyOrders, BusyPayments, BusyReservations, busyShop } from './busy-shop.ts';
import { scalingOfTwo } from './scaling.ts';

type BusyRunner = SystemRunner<(typeof busyShop.applications)[number]>;

const target = 1.4;
const defaultOrders = 2_000;
const warmUpRounds = 2; // more are not needed: hashing is native code

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

/** Throughput of a system with busy policies and a thread per application, relative to one thread. */
export const throughput: Section = {
  async heading({ rounds, orders = defaultOrders }) {
    calibrate();
    const scaling = await scalingOfTwo(rounds);
    return [
      `The shop with policies that take ${burnMicros} us per event, ${whole(orders)} concurrent orders, in orders/s.`,
      'Orders does half of that work, so the ratio cannot exceed 2 on any number of cores;',
      `two threads that only burn CPU time are currently ${scaling.toFixed(2)} times as fast as one. 'others' is the share of all`,
      'cores that other processes used meanwhile, including the database server.\n',
      table.header,
    ].join('\n');
  },
  on: (storageKind) => [{ name: 'threads, throughput', run: (options) => compare(storageKind, options) }],
};

/** Measures both runners in turn. Both stay open, so that their code stays compiled. */
function compare(storageKind: StorageKind, { rounds, orders = defaultOrders }: Options): Promise<string> {
  return storageKind.withFreshStorage((one) =>
    storageKind.withFreshStorage(async (other) => {
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
  verifyLogs(
    await readLogs([BusyOrders, BusyReservations, BusyPayments].map((kind) => runner.get(kind))),
    orders,
    5,
  );
}

function lineOf(storageName: string, orders: number, single: readonly Run[], multi: readonly Run[]): string {
  const ratios = single.map(({ ms }, i) => ms / (multi[i]?.ms ?? Number.NaN));
  const targetHere = storageName === postgresName ? undefined : target;
  return table.line([
    storageName,
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
