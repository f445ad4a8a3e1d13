import { setTimeout as delay } from 'node:timers/promises';
import { Orders } from '../../examples/shop/orders.ts';
import { shop } from '../../examples/shop/shop.ts';
import { median, percentile, timed } from '../measure.ts';
import type { Options } from '../options.ts';
import type { Section } from '../section.ts';
import { postgresName, type StorageKind } from '../storages.ts';
import { micros, Table, whole } from '../table.ts';
import { census, readLogs } from '../verify-logs.ts';
import type { Contestant, RunningShop } from './candidate.ts';
import { multiprocess } from './multiprocess.ts';
import { restate } from './restate.ts';

const contestants: readonly Contestant[] = [restate, multiprocess];

const defaultOrders = 1_000;
const singleOrders = 100;
const warmUpRounds = 2;

const table = new Table([
  { title: 'runner', width: -15 },
  { title: 'pipelines', width: 9 },
  { title: 'orders/s', width: 10 },
  { title: '(rounds)', width: 16 },
  { title: 'paid: median', width: 15 },
  { title: 'p99', width: 11 },
]);

/** How fast runners are whose applications are in other processes, with one pipeline and with several. */
export const pipelines: Section = {
  heading: ({ rounds, orders = defaultOrders }) =>
    `The shop in other processes, on ${postgresName}: ${whole(orders)} orders at once, shared out to the pipelines, medians of\n` +
    `${rounds} rounds; and ${singleOrders} single orders through an idle shop until they are paid, as the storage tells.\n\n` +
    table.header,
  on: (storageKind) =>
    storageKind.name !== postgresName
      ? []
      : contestants.flatMap((contestant) =>
          [1, 4].map((count) => ({
            name: `beside Restate, ${contestant.name}, ${count} pipelines`,
            run: (options) => measure(storageKind, contestant, count, options),
          })),
        ),
};

function measure(
  storageKind: StorageKind,
  { name, run }: Contestant,
  count: number,
  { rounds, orders = defaultOrders }: Options,
): Promise<string> {
  const pipelineIds = Array.from({ length: count }, (_, i) => i);
  const perPipeline = Math.ceil(orders / count);
  return storageKind.inNewPlace(({ storage }) =>
    run(storage, pipelineIds, async (runner) => {
      const speeds: number[] = [];
      for (let round = 0; round < warmUpRounds + rounds; round += 1) {
        const { ms } = await timed(() => placeAll(runner, pipelineIds, perPipeline));
        speeds.push(((count * perPipeline) / ms) * 1_000);
      }
      const latencies: number[] = [];
      for (let i = 0; i < singleOrders; i += 1) latencies.push(await placeOne(runner));
      await runner.caughtUp();
      for (const pipelineId of pipelineIds) {
        const singles = pipelineId === 0 ? singleOrders : 0;
        const logs = await readLogs(shop.applications.map((kind) => runner.get(kind, pipelineId)));
        census(logs, (warmUpRounds + rounds) * perPipeline + singles, 5);
      }
      return lineOf(name, count, speeds.slice(warmUpRounds), latencies);
    }),
  );
}

async function placeAll(runner: RunningShop, pipelineIds: readonly number[], each: number): Promise<void> {
  const placing = pipelineIds.flatMap((pipelineId) => {
    const orders = runner.get(Orders, pipelineId);
    return Array.from({ length: each }, (_, i) => orders.place(`customer ${i + 1}`));
  });
  await Promise.all(placing);
  await runner.caughtUp();
}

/** How many milliseconds it took from the call of the command until the order was paid. */
async function placeOne(runner: RunningShop): Promise<number> {
  const orders = runner.get(Orders);
  const called = performance.now();
  const id = await orders.place('ada');
  while (!(await orders.get(id)).done) await delay(1);
  return performance.now() - called;
}

function lineOf(
  name: string,
  count: number,
  speeds: readonly number[],
  latencies: readonly number[],
): string {
  return table.line([
    name,
    `${count}`,
    whole(median(speeds)),
    `${whole(Math.min(...speeds))} - ${whole(Math.max(...speeds))}`,
    micros(median(latencies)),
    micros(percentile(latencies, 99)),
  ]);
}
