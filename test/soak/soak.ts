import { setTimeout as delay } from 'node:timers/promises';
import { verify } from 'kahn';
import { judge, type Verdict } from './judge.ts';
import { Load } from './load.ts';
import { requestReports } from './memory-report.ts';
import { Readings, readLags, readProcesses } from './readings.ts';
import type { SoakSubject } from './subjects.ts';

/** Greatest number of samples of a run. */
const samples = 120;

/** Events that are recorded for each order. */
const eventsPerOrder = 5;

/** What a soak test has found. */
export interface SoakResult {
  /** Number of orders that were placed, reserved and paid. */
  readonly orders: number;
  readonly ordersPerSecond: number;
  readonly verdicts: readonly Verdict[];
  /** What is wrong with the record: lost or doubled events, or missing orders; empty if nothing is. */
  readonly faults: readonly string[];
  /** What `verify()` has read, in one line. */
  readonly verification: string;
}

/** Progress of a soak test, at a sample. */
export interface SoakProgress {
  readonly minute: number;
  readonly orders: number;
  readonly ordersPerSecond: number;
  /** Greatest lag of a follower. */
  readonly lag: number;
}

export interface SoakOptions {
  readonly seconds: number;
  progressed(progress: SoakProgress): void;
}

/**
 * Runs a system under full load on empty storage, and judges what it takes.
 *
 * @throws the error of a client whose order is not recorded, reserved and paid in time.
 */
export async function soak(subject: SoakSubject, { seconds, progressed }: SoakOptions): Promise<SoakResult> {
  await using opened = new AsyncDisposableStack();
  const intervalMs = (seconds * 1_000) / samples;
  const directory = requestReports(intervalMs);
  const soaked = opened.use(await subject.open());
  const { soakedShop } = await import('./soaked-shop.ts'); // reports to the directory from now on
  const readings = new Readings();
  let [orders, minutes] = [0, 0];
  {
    await using runner = await subject.start(soakedShop.bind(soaked.storage));
    const load = new Load(runner, subject.pipelineIds);
    const begun = performance.now();
    const elapsedMs = () => performance.now() - begun;
    for (let previous = { ms: 0, orders: 0 }; previous.ms < seconds * 1_000; ) {
      await Promise.race([delay(intervalMs), load.running]);
      const lags = await readLags(runner);
      const [ms, placed] = [elapsedMs(), load.settled];
      readings.add(ms / 60_000, [...readProcesses(directory), ...lags, ...(await soaked.read())]);
      progressed({
        minute: ms / 60_000,
        orders: placed,
        ordersPerSecond: ((placed - previous.orders) / (ms - previous.ms)) * 1_000,
        lag: Math.max(...lags.map(({ value }) => value)),
      });
      previous = { ms, orders: placed };
    }
    minutes = elapsedMs() / 60_000;
    await load.end();
    await runner.caughtUp();
    orders = load.settled;
  }
  const verification = await verify(soaked.storage, soakedShop);
  const faults = verification.faults.map(({ message }) => message);
  if (verification.events !== eventsPerOrder * orders)
    faults.push(`Expected ${eventsPerOrder * orders} events on record, got ${verification.events}.`);
  return {
    orders,
    ordersPerSecond: orders / (minutes * 60),
    verdicts: readings.series.map((series) => judge(series, minutes)),
    faults,
    verification: `${verification}`,
  };
}
