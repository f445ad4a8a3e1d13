import {
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
} from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { blockedBackoff } from '../../../src/runner/blocked-upstreams.ts';
import { transientBackoff } from '../../../src/runner/retry-transient.ts';
import { restartBackoff } from '../../../src/runner/supervised/restart-policy.ts';
import { connectionString, temporarySchema } from '../../support/servers/postgres.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { timersDuring } from '../../support/watchers/timers.ts';

const drainTimeoutMs = 123_456;
const options = { drainTimeoutMs };

const runners: readonly (readonly [
  name: string,
  start: (system: typeof shop) => Promise<AsyncDisposable>,
])[] = [
  ['single-threaded', (system) => SingleThreadedRunner.start(system, options)],
  ['multi-threaded', (system) => MultiThreadedRunner.start(system, options)],
  ['multiprocess', (system) => MultiprocessRunner.start(system, options)],
  ['stepping', (system) => SteppingSingleThreadedRunner.start(system, options)],
  ['stepping multi-threaded', (system) => SteppingMultiThreadedRunner.start(system, options)],
];

test.each(runners)(
  'closing a %s runner waits for drainTimeoutMs, and nothing longer',
  async (_name, start) => {
    const runner = await start(shop.bind(sqlite({ directory: temporaryDirectory() })));
    const timers = await timersDuring(() => Promise.resolve(runner[Symbol.asyncDispose]()));
    expect(timers).toContain(drainTimeoutMs);
    expect(Math.max(...timers)).toBe(drainTimeoutMs);
  },
);

test('a single-threaded runner polls as often as pollIntervalMs says', async () => {
  const storage = postgres({ connectionString, schema: temporarySchema() });
  const timers = await timersDuring(async () => {
    const runner = await SingleThreadedRunner.start(shop, { storage, pollIntervalMs: 76_543 });
    await runner.get(Orders).place('ada');
    await runner.close();
  });
  expect(timers).toContain(76_543);
  expect(timers).not.toContain(2 * 76_543);
});

test('pauses between tries are those of the documentation', () => {
  expect({ transientBackoff, blockedBackoff, restartBackoff }).toEqual({
    transientBackoff: { firstMs: 50, maxMs: 5_000 },
    blockedBackoff: { firstMs: 10, maxMs: 1_000 },
    restartBackoff: { firstMs: 100, maxMs: 5_000 },
  });
});
