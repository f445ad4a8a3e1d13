import assert from 'node:assert/strict';
import { library } from './library.ts';
import { median, percentile } from './measure.ts';
import type { Options } from './options.ts';
import type { FreshStorage, StorageKind } from './storages.ts';
import { verifyLogs } from './verify-logs.ts';
import type { Candidate, Workload } from './workloads.ts';

const warmUpRounds = 5; // V8 still compiles in the first rounds

/** Result of one workload on one storage. */
export interface Result {
  readonly storageName: string;
  readonly workload: string;
  readonly libraryOrdersPerSecond: number;
  readonly baselineOrdersPerSecond: number;
  readonly eventsPerOrder: number;
  /** Speed of the library in percent of the baseline's in the same round: median, worst and best. */
  readonly percent: { readonly median: number; readonly worst: number; readonly best: number };
  readonly target: number | undefined;
  /** Duration of one wave of commands, where waves were measured. */
  readonly libraryWave: Latency | undefined;
  readonly baselineWave: Latency | undefined;
}

/** Percentiles of durations, in ms. */
export interface Latency {
  readonly median: number;
  readonly p99: number;
}

function latencyOf(times: readonly number[]): Latency | undefined {
  return times.length === 0 ? undefined : { median: median(times), p99: percentile(times, 99) };
}

/** Measures the library and the baseline in turn. */
export async function compare(
  storageKind: StorageKind,
  workload: Workload,
  options: Options,
): Promise<Result> {
  const roundOrders = storageKind.events / workload.eventsPerOrder / workload.slowness;
  const orders = options.orders ?? Math.round(roundOrders);
  const customers = Array.from({ length: orders }, (_, i) => `customer ${i + 1}`);
  const libraryMs: number[] = [];
  const baselineMs: number[] = [];
  const libraryWaveMs: number[] = [];
  const baselineWaveMs: number[] = [];
  for (let round = 1; round <= warmUpRounds + options.rounds; round += 1) {
    const run = (candidate: (fresh: FreshStorage) => Candidate) =>
      storageKind.withFreshStorage(async (fresh) => {
        const { ms, waveMs = [], logs } = await workload.run(candidate(fresh), customers);
        return { ms, waveMs, bytes: verifyLogs(logs, orders, workload.eventsPerOrder) };
      });
    const ofLibrary = await run(({ storage }) => library(storage));
    const ofBaseline = await run(({ baseline }) => baseline);
    assert.equal(ofLibrary.bytes, ofBaseline.bytes, 'both store data of the same size');
    if (round <= warmUpRounds) continue;
    libraryMs.push(ofLibrary.ms);
    baselineMs.push(ofBaseline.ms);
    libraryWaveMs.push(...ofLibrary.waveMs);
    baselineWaveMs.push(...ofBaseline.waveMs);
  }
  const percents = libraryMs.map((ms, i) => ((baselineMs[i] ?? Number.NaN) / ms) * 100);
  return {
    storageName: storageKind.name,
    workload: workload.name,
    libraryOrdersPerSecond: (orders / median(libraryMs)) * 1_000,
    baselineOrdersPerSecond: (orders / median(baselineMs)) * 1_000,
    eventsPerOrder: workload.eventsPerOrder,
    percent: {
      median: median(percents),
      worst: Math.min(...percents),
      best: Math.max(...percents),
    },
    target: storageKind.targetOf(workload),
    libraryWave: latencyOf(libraryWaveMs),
    baselineWave: latencyOf(baselineWaveMs),
  };
}
