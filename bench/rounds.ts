import assert from 'node:assert/strict';
import { census } from './census.ts';
import { inNewDirectory, median } from './measure.ts';
import type { Options } from './options.ts';
import type { StorageKind } from './storages.ts';
import type { Run, Workload } from './workloads.ts';

const warmUpRounds = 5; // V8 goes on compiling for about as many

/** How one workload went on one storage. */
export interface Result {
  readonly storage: string;
  readonly workload: string;
  readonly ourOrdersPerSecond: number;
  readonly boundOrdersPerSecond: number;
  readonly eventsPerOrder: number;
  /** The library's speed in percent of the bound's, which ran right behind it: the median, worst and best round. */
  readonly percent: { readonly median: number; readonly worst: number; readonly best: number };
  readonly target: number | undefined;
}

/** Measures the library and the bound in turn. */
export async function compare(storage: StorageKind, workload: Workload, options: Options): Promise<Result> {
  const orders = options.orders ?? storage.events / workload.eventsPerOrder;
  const customers = Array.from({ length: orders }, (_, i) => `customer ${i + 1}`);
  const library: number[] = [];
  const bound: number[] = [];
  for (let round = 1; round <= warmUpRounds + options.rounds; round += 1) {
    const ours = await inNewDirectory(options.directory, async (directory) =>
      checked(await workload.run(storage.ours(directory), customers), workload, orders),
    );
    const theirs = await inNewDirectory(options.directory, async (directory) => {
      using contestant = storage.bound(directory);
      return checked(await workload.run(contestant, customers), workload, orders);
    });
    assert.equal(ours.bytes, theirs.bytes, 'both store data of the same size');
    if (round <= warmUpRounds) continue;
    library.push(ours.ms);
    bound.push(theirs.ms);
  }
  const percents = library.map((ms, i) => ((bound[i] ?? Number.NaN) / ms) * 100);
  return {
    storage: storage.name,
    workload: workload.name,
    ourOrdersPerSecond: (orders / median(library)) * 1_000,
    boundOrdersPerSecond: (orders / median(bound)) * 1_000,
    eventsPerOrder: workload.eventsPerOrder,
    percent: {
      median: median(percents),
      worst: Math.min(...percents),
      best: Math.max(...percents),
    },
    target: storage.targetOf(workload),
  };
}

function checked({ ms, logs }: Run, workload: Workload, orders: number): { ms: number; bytes: number } {
  return { ms, bytes: census(logs, orders, workload.eventsPerOrder) };
}
