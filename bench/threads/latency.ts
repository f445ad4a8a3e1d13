import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';
import { MultiThreadedRunner, type RunnerEvents, SingleThreadedRunner, type SystemRunner } from 'kahn';
import { Orders } from '../../examples/shop/orders.ts';
import { Payments } from '../../examples/shop/payments.ts';
import { Reservations } from '../../examples/shop/reservations.ts';
import { shop } from '../../examples/shop/shop.ts';
import { median, percentile } from '../measure.ts';
import type { Section } from '../section.ts';
import type { StorageKind } from '../storages.ts';
import { micros, Table } from '../table.ts';
import { readLogs, verifyLogs } from '../verify-logs.ts';

type ShopRunner = SystemRunner<(typeof shop.applications)[number]>;

/** Times since the call of a command, in ms. */
interface Latency {
  /** Time until this thread received the last event of the order: it is paid. */
  readonly paid: number;
  /** Time until `caughtUp()` resolved. */
  readonly caughtUp: number;
}

const orders = 300;
const warmUps = 200;
const restMs = 2; // so that all threads are idle

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'runner', width: -23 },
  { title: 'paid: median', width: 13 },
  { title: 'p99', width: 11 },
  { title: 'caughtUp(): median', width: 22 },
  { title: 'p99', width: 11 },
]);

/** Latency of single orders in an idle system. */
export const latency: Section = {
  heading: () =>
    `${orders} single orders in an idle shop, four hops each, both runners in turn. An order counts as paid when the main\n` +
    `thread receives 'kahn:processed'.\n\n${table.header}`,
  on: (storageKind) => [{ name: 'threads, latency', run: () => compare(storageKind) }],
};

function compare(storageKind: StorageKind): Promise<string> {
  return storageKind.withFreshStorage((one) =>
    storageKind.withFreshStorage(async (other) => {
      await using single = await SingleThreadedRunner.start(shop.bind(one.storage));
      await using multi = await MultiThreadedRunner.start(shop.bind(other.storage));
      const inSingle: Latency[] = [];
      const inMulti: Latency[] = [];
      for (let i = 0; i < warmUps + orders; i += 1) {
        inSingle.push(await placeOne(single));
        inMulti.push(await placeOne(multi));
      }
      for (const runner of [single, multi]) await check(runner);
      return [
        lineOf(storageKind.name, SingleThreadedRunner.name, inSingle.slice(warmUps)),
        lineOf(storageKind.name, MultiThreadedRunner.name, inMulti.slice(warmUps)),
      ].join('\n');
    }),
  );
}

async function placeOne(runner: ShopRunner): Promise<Latency> {
  await delay(restMs);
  const paid = Promise.withResolvers<number>();
  const hear = (message: unknown) => {
    const { applicationName, upstreamName } = message as RunnerEvents['processed'];
    if (applicationName === 'orders' && upstreamName === 'payments') paid.resolve(performance.now());
  };
  subscribe('kahn:processed', hear);
  const called = performance.now();
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  const caughtUp = performance.now();
  const heard = await paid.promise;
  unsubscribe('kahn:processed', hear);
  return { paid: heard - called, caughtUp: caughtUp - called };
}

async function check(runner: ShopRunner): Promise<void> {
  verifyLogs(
    await readLogs([Orders, Reservations, Payments].map((kind) => runner.get(kind))),
    warmUps + orders,
    5,
  );
}

function lineOf(storageName: string, runner: string, measured: readonly Latency[]): string {
  const paid = measured.map((one) => one.paid);
  const caughtUp = measured.map((one) => one.caughtUp);
  return table.line([
    storageName,
    runner,
    ...[paid, caughtUp].flatMap((values) => [micros(median(values)), micros(percentile(values, 99))]),
  ]);
}
