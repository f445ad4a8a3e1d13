import assert from 'node:assert/strict';
import { library } from './library.ts';
import { median } from './measure.ts';
import type { Options } from './options.ts';
import type { Place, StorageKind } from './storages.ts';
import { census } from './verify-logs.ts';
import type { Contestant, Workload } from './workloads.ts';

const warmUpRounds = 5; // V8 goes on compiling for about as many

/** How one workload went on one storage. */
export interface Result {
  readonly storageKind: string;
  readonly workload: string;
  readonly ourOrdersPerSecond: number;
  readonly boundOrdersPerSecond: number;
  readonly eventsPerOrder: number;
  /** The library's speed in percent of the bound's, which ran right behind it: the median, worst and best round. */
  readonly percent: { readonly median: number; readonly worst: number; readonly best: number };
  readonly target: number | undefined;
}

/** Measures the library and the bound in turn. */
export async function compare(
  storageKind: StorageKind,
  workload: Workload,
  options: Options,
): Promise<Result> {
  const orders = options.orders ?? storageKind.events / workload.eventsPerOrder / workload.slowness;
  const customers = Array.from({ length: orders }, (_, i) => `customer ${i + 1}`);
  const ourMs: number[] = [];
  const boundMs: number[] = [];
  for (let round = 1; round <= warmUpRounds + options.rounds; round += 1) {
    const run = (contestant: (place: Place) => Contestant) =>
      storageKind.inNewPlace(async (place) => {
        const { ms, logs } = await workload.run(contestant(place), customers);
        return { ms, bytes: census(logs, orders, workload.eventsPerOrder) };
      });
    const ours = await run(({ storage }) => library(storage));
    const theirs = await run(({ bound }) => bound);
    assert.equal(ours.bytes, theirs.bytes, 'both store data of the same size');
    if (round <= warmUpRounds) continue;
    ourMs.push(ours.ms);
    boundMs.push(theirs.ms);
  }
  const percents = ourMs.map((ms, i) => ((boundMs[i] ?? Number.NaN) / ms) * 100);
  return {
    storageKind: storageKind.name,
    workload: workload.name,
    ourOrdersPerSecond: (orders / median(ourMs)) * 1_000,
    boundOrdersPerSecond: (orders / median(boundMs)) * 1_000,
    eventsPerOrder: workload.eventsPerOrder,
    percent: {
      median: median(percents),
      worst: Math.min(...percents),
      best: Math.max(...percents),
    },
    target: storageKind.targetOf(workload),
  };
}
