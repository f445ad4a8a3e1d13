import { SteppingSingleThreadedRunner, type Tick } from 'kahn';
import { Orders } from '../examples/shop/orders.ts';
import { Payments } from '../examples/shop/payments.ts';
import { Reservations } from '../examples/shop/reservations.ts';
import { shop } from '../examples/shop/shop.ts';
import { median } from './measure.ts';
import type { Options } from './options.ts';
import type { Section } from './section.ts';
import { postgresName, type StorageKind } from './storages.ts';
import { Table, whole } from './table.ts';
import { readLogs, verifyLogs } from './verify-logs.ts';

const steppers = [SteppingSingleThreadedRunner];
const roundMs = 500;
const warmUpRounds = 2;

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'runner', width: -32 },
  { title: 'load', width: -22 },
  { title: 'ticks/s', width: 9 },
  { title: '(rounds)', width: 18 },
]);

/** Ticks per second without pauses between ticks. */
export const ticks: Section = {
  heading: ({ rounds }) =>
    `Ticks per second without pauses, medians of ${rounds} rounds of ${roundMs} ms.\n\n${table.header}`,
  on: (storageKind) =>
    storageKind.name === postgresName
      ? []
      : steppers.flatMap((stepper) => [
          { name: 'ticks, idle', run: (options) => measure(storageKind, stepper, 0, options) },
          { name: 'ticks, an order per tick', run: (options) => measure(storageKind, stepper, 1, options) },
        ]),
};

function measure(
  storageKind: StorageKind,
  stepper: (typeof steppers)[number],
  ordersPerTick: 0 | 1,
  { rounds }: Options,
): Promise<string> {
  return storageKind.withFreshStorage(async ({ storage }) => {
    await using runner = await stepper.start(shop, { storage, scaleFactor: 0 });
    const orders = runner.get(Orders);
    let placed = 0;
    const place = () => {
      placed += 1;
      return orders.place('ada');
    };
    const stop = runner.subscribe(() => ordersPerTick > 0 && runner.callInFuture(place));
    const speeds: number[] = [];
    for (let round = 0; round < warmUpRounds + rounds; round += 1) speeds.push(await speedOf(runner));
    stop();
    await runner.caughtUp();
    verifyLogs(await readLogs([orders, runner.get(Reservations), runner.get(Payments)]), placed, 5);
    return lineOf(storageKind.name, stepper.name, ordersPerTick, speeds.slice(warmUpRounds));
  });
}

/** Measures the ticks per second of real time in one round. */
function speedOf(runner: { subscribe(listener: (tick: Tick) => void): () => void }): Promise<number> {
  let first: Tick | undefined;
  return new Promise((resolve) => {
    const stop = runner.subscribe((tick) => {
      first ??= tick;
      const ms = tick.realTimeMs - first.realTimeMs;
      if (ms < roundMs) return;
      stop();
      resolve(((tick.number - first.number) / ms) * 1_000);
    });
  });
}

function lineOf(
  storageName: string,
  runner: string,
  ordersPerTick: 0 | 1,
  speeds: readonly number[],
): string {
  return table.line([
    storageName,
    runner,
    ordersPerTick === 0 ? 'idle' : 'an order per tick',
    whole(median(speeds)),
    `${whole(Math.min(...speeds))} - ${whole(Math.max(...speeds))}`,
  ]);
}
