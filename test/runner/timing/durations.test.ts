import { setTimeout as delay } from 'node:timers/promises';
import {
  MultiThreadedRunner,
  memory,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
} from 'kahn';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { restateRunnerOptions } from '../../../src/actors/restate/client/restate-runner-options.ts';
import { restateServiceOptions } from '../../../src/actors/restate/service/restate-service-options.ts';
import { multiThreadedRunnerOptions } from '../../../src/runner/multi-threaded/multi-threaded-runner.ts';
import { runClock } from '../../../src/runner/multi-threaded/step-clock.ts';
import { multiprocessRunnerOptions } from '../../../src/runner/multiprocess/multiprocess-runner.ts';
import { runnerOptions } from '../../../src/runner/runner-options.ts';
import { steppingRunnerOptions } from '../../../src/runner/stepping/stepping-options.ts';
import { postgresOptions } from '../../../src/storage/postgres/options.ts';
import { sqliteOptions } from '../../../src/storage/sqlite/options.ts';
import type { OptionRule } from '../../../src/util/options.ts';
import { realClock } from '../../../src/util/time.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';

const tables: Readonly<Record<string, object>> = {
  runnerOptions,
  multiThreadedRunnerOptions,
  multiprocessRunnerOptions,
  steppingRunnerOptions,
  restateRunnerOptions,
  restateServiceOptions,
  sqliteOptions,
  postgresOptions,
};
/** A moment, not a duration. */
const moments = ['startTimeMs'];

test.each(Object.entries(tables))('%s refuse durations that no timer can wait', (_, rules) => {
  const durations = Object.entries(rules).filter(([name]) => name.endsWith('Ms') && !moments.includes(name));
  expect(durations.length).toBeGreaterThan(0);
  for (const [name, rule] of durations as [string, OptionRule<number>][]) {
    expect(rule.accepts(2 ** 31 - 1), name).toBe(true);
    for (const ms of [2 ** 31, 2 ** 32, 1e308, Number.POSITIVE_INFINITY, Number.NaN, -1])
      expect(rule.accepts(ms), `${name}: ${ms}`).toBe(false);
    expect(rule.expected, name).toContain('2147483647');
  }
});

test.each([
  [
    'every duration',
    { connectionTimeoutMs: 2 ** 31 - 1, statementTimeoutMs: 2 ** 31 - 1, retryTimeoutMs: 2 ** 31 - 1 },
  ],
  ['statementTimeoutMs', { statementTimeoutMs: 2 ** 31 - 1, retryTimeoutMs: 0 }],
])('postgres() works with the longest %s', async (_, options) => {
  await using orders = await Orders.open({ storage: temporaryPostgres(options) });
  const id = await orders.place('ada');
  expect((await orders.get(id)).customer).toBe('ada');
});

test('every runner closes with the longest durations', async () => {
  const longest = { pollIntervalMs: 2 ** 31 - 1, drainTimeoutMs: 2 ** 31 - 1 };
  for (const runner of [SingleThreadedRunner, MultiThreadedRunner]) {
    const running = await runner.start(shop.bind(memory()), longest);
    await running.get(Orders).place('ada');
    await running.caughtUp();
    await running.close();
  }
  const stepping = await SteppingSingleThreadedRunner.start(shop.bind(memory()), {
    ...longest,
    paused: true,
  });
  await stepping.close();
});

test.each([
  ['normalSpeed', { normalSpeed: 1e-9 }],
  ['scaleFactor', { scaleFactor: 1e-9 }],
  ['normalSpeed and scaleFactor', { normalSpeed: 1e-9, scaleFactor: 1e-320 }],
])('a stepping clock with a tiny %s waits', async (_, options) => {
  await using runner = await SteppingSingleThreadedRunner.start(shop.bind(memory()), options);
  await runner.get(Orders).place('ada');
  await delay(100);
  expect(runner.tickCount).toBeLessThanOrEqual(1); // the first tick comes at once
});

test('the clock of threads waits for a tick in 32 years', async () => {
  const stop = new AbortController();
  let ticks = 0;
  const tick = () => {
    ticks += 1;
  };
  const clock = runClock({ speed: 1e-9, tick, overrun: () => {} }, stop.signal);
  await delay(50);
  expect(ticks).toBe(0);
  stop.abort();
  await clock;
});

test.each([SteppingSingleThreadedRunner, SteppingMultiThreadedRunner])(
  '%o stops with the error of its clock, and close() releases everything',
  async (runner) => {
    let isBroken = false;
    const now = () => {
      if (isBroken) throw new RangeError('the clock is broken');
      return realClock.now();
    };
    const system = shop.bind(memory());
    const first = await runner.start(system, { clock: { ...realClock, now }, normalSpeed: 100 });
    await first.get(Orders).place('ada');
    isBroken = true;
    await expect(first.caughtUp()).rejects.toThrow('the clock is broken');
    await first.close();
    const second = await runner.start(system, { paused: true }); // rejects if the first still runs
    await second.caughtUp();
    await second.close();
  },
);
