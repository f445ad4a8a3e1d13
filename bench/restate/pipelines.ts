import { setTimeout as delay } from 'node:timers/promises';
import { Orders } from '../../examples/shop/orders.ts';
import { shop } from '../../examples/shop/shop.ts';
import { median, percentile, timed } from '../measure.ts';
import type { Options } from '../options.ts';
import type { Section } from '../section.ts';
import { postgresName, type StorageKind } from '../storages.ts';
import { micros, Table, whole } from '../table.ts';
import { readLogs, verifyLogs } from '../verify-logs.ts';
import type { DistributedCandidate, RunningShop } from './candidate.ts';
import { multiprocess } from './multiprocess.ts';
import { restate } from './restate.ts';

const candidates: readonly DistributedCandidate[] = [restate, multiprocess];

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

/** Throughput and latency of runners whose applications run in other processes, with one pipeline and with four. */
export const pipelines: Section = {
  heading: ({ rounds, orders = defaultOrders }) =>
    `The shop in other processes on ${postgresName}: ${whole(orders)} concurrent orders, divided among the pipelines, medians of\n` +
    `${rounds} rounds; and the time until ${singleOrders} single orders in an idle shop are paid, according to the storage.\n\n` +
    table.header,
  on: (storageKind) =>
    storageKind.name !== postgresName
      ? []
      : candidates.flatMap((candidate) =>
          [1, 4].map((count) => ({
            name: `Restate comparison, ${candidate.name}, ${count} pipelines`,
            run: (options) => measure(storageKind, candidate, count, options),
          })),
        ),
};

function measure(
  storageKind: StorageKind,
  { name, run }: DistributedCandidate,
  count: number,
  { rounds, orders = defaultOrders }: Options,
): Promise<string> {
  const pipelineIds = Array.from({ length: count }, (_, i) => i);
  const perPipeline = Math.ceil(orders / count);
  return storageKind.withFreshStorage(({ storage }) =>
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
        verifyLogs(logs, (warmUpRounds + rounds) * perPipeline + singles, 5);
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

/** Time from the call of the command until the order is paid, in ms. */
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
