import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Measures the duration of some work. Does not collect garbage first: V8 would also discard the machine code that it
 * has compiled so far.
 */
export async function timed<T>(work: () => T | Promise<T>): Promise<{ ms: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

/** Does the work for the items of each wave at the same time, one wave after the other; returns their durations in ms. */
export async function timedWaves<T>(
  waves: readonly (readonly T[])[],
  work: (item: T) => Promise<unknown>,
): Promise<readonly number[]> {
  const waveMs: number[] = [];
  for (const wave of waves) {
    const start = performance.now();
    await Promise.all(wave.map(work));
    waveMs.push(performance.now() - start);
  }
  return waveMs;
}

/** Duration of some work, and the CPU share of other processes meanwhile. */
export interface TimedAmongOthers {
  readonly ms: number;
  readonly othersPercent: number;
}

/** Measures as {@link timed} does, and also the CPU share of other processes, in percent of all cores. */
export async function timedAmongOthers(work: () => Promise<void>): Promise<TimedAmongOthers> {
  const ownBefore = process.cpuUsage();
  const before = cpuTimes();
  await work();
  const after = cpuTimes();
  const { user, system } = process.cpuUsage(ownBefore);
  const othersMs = after.busyMs - before.busyMs - (user + system) / 1_000;
  return { ms: after.now - before.now, othersPercent: (othersMs / (after.allMs - before.allMs)) * 100 };
}

function cpuTimes(): { now: number; busyMs: number; allMs: number } {
  let busyMs = 0;
  let allMs = 0;
  for (const { times } of cpus()) {
    const { user, nice, sys, irq, idle } = times;
    busyMs += user + nice + sys + irq;
    allMs += user + nice + sys + irq + idle;
  }
  return { now: performance.now(), busyMs, allMs };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.floor(half)] ?? Number.NaN) + (sorted[Math.ceil(half) - 1] ?? Number.NaN)) / 2;
}

/** Smallest of the values that is not exceeded by `percent` percent of them. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN;
}

/** Does the work with a temporary directory below `parent`. */
export async function inNewDirectory<T>(parent: string, work: (directory: string) => Promise<T>): Promise<T> {
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, 'kahn-bench-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Collects all garbage, and returns the memory that this process still uses, in bytes. */
export function collectGarbage(): NodeJS.MemoryUsage {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage();
}

/** Median duration of a transaction that writes one row to a SQLite file, in microseconds. */
export async function commitMicros(directory: string, synchronous: 'FULL' | 'NORMAL'): Promise<number> {
  using database = new DatabaseSync(join(directory, `${synchronous}.sqlite`));
  database.exec(
    `pragma journal_mode = wal; pragma synchronous = ${synchronous}; create table t (n integer);`,
  );
  const insert = database.prepare('insert into t values (?)');
  const times: number[] = [];
  for (let i = 0; i < 500; i += 1) {
    const start = performance.now();
    insert.run(i);
    times.push(performance.now() - start);
  }
  return median(times) * 1_000;
}
