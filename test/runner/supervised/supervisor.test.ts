import { ProcessDiedError, StorageError } from 'kahn';
import { expect, test } from 'vitest';
import { Supervisor } from '../../../src/runner/supervised/supervisor.ts';
import type { WorkerHooks } from '../../../src/runner/supervised/worker.ts';
import { portable } from '../../../src/util/portable-error.ts';
import { rejectionOf } from '../../support/errors.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';

const neverResumed = () => {};

test('a worker that cannot be spawned fails the start, and is not reported as stopped', async () => {
  const events = watchRunners();
  const supervisor = new Supervisor({
    runner: 'test',
    workerKind: 'process',
    assignment: { applicationName: 'orders', pipelineId: 0, upstreamNames: [] },
    spawn: () => {
      throw new Error('no room');
    },
    entered: () => {},
    processed: () => {},
    onResumed: neverResumed,
  });
  const error = await rejectionOf(supervisor.start(), ProcessDiedError);
  expect(error.message).toContain("Application 'orders' stopped: its process died: no room.");
  await supervisor.close(1_000);
  expect(events).toEqual([]);
});

test('a worker whose storage is unavailable is restarted with a growing delay, without limit', async () => {
  const events = watchRunners();
  const away = portable(new StorageError('STORAGE_UNREACHABLE', 'orders', 'no server'));
  const pauses: number[] = [];
  let diedAt = 0;
  const die = ({ onExit }: WorkerHooks) => {
    diedAt = performance.now();
    onExit(new Error('was killed'));
  };
  const supervisor = new Supervisor({
    runner: 'test',
    workerKind: 'process',
    assignment: { applicationName: 'orders', pipelineId: 0, upstreamNames: [] },
    spawn: (hooks) => {
      if (diedAt > 0) pauses.push(performance.now() - diedAt);
      const isAway = pauses.length > 0 && pauses.length < 6;
      setImmediate(() => {
        hooks.onMessage(isAway ? { kind: 'failed', error: away } : { kind: 'ready' });
        if (pauses.length < 6) die(hooks);
      });
      const end = () => hooks.onExit(undefined);
      return { close: end, terminate: async () => {} };
    },
    entered: () => {},
    processed: () => {},
    onResumed: neverResumed,
  });
  await supervisor.start();
  await until('it runs again', () => events.some(({ kind }) => kind === 'restarted'));
  for (const [i, pause] of pauses.entries()) expect(pause).toBeGreaterThan(49 * 2 ** i);
  await supervisor.close(1_000);
  const others = events.filter(({ kind }) => kind !== 'interrupted');
  expect(others).toMatchObject([
    { kind: 'started' },
    { kind: 'restarted', restarts: 6 },
    { kind: 'stopped' },
  ]);
  const interruptions = events.flatMap((one) => (one.kind === 'interrupted' ? one.interruption! : []));
  expect(interruptions.map(({ tries }) => tries)).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(interruptions.map(({ since }) => since)).size).toBe(1);
});

test('a worker that dies is not replaced after close()', async () => {
  let spawned = 0;
  const died = Promise.withResolvers<void>();
  const supervisor = new Supervisor({
    runner: 'test',
    workerKind: 'thread',
    assignment: { applicationName: 'orders', pipelineId: 0, upstreamNames: [] },
    spawn: (hooks) => {
      spawned += 1;
      setImmediate(() => {
        hooks.onMessage({ kind: 'ready' });
        hooks.onExit(new Error('was killed'));
        died.resolve();
      });
      return { close: () => {}, terminate: async () => {} };
    },
    entered: () => {},
    processed: () => {},
    onResumed: neverResumed,
  });
  await supervisor.start();
  await died.promise;
  await supervisor.close(1_000);
  expect(spawned).toBe(1);
});

test.each([{ kind: 'processed', upstreamName: 'orders', count: 1 }, { kind: 'replayed' }] as const)(
  'a worker that dies after progress ($kind) is replaced, however often',
  async (progress) => {
    const events = watchRunners();
    const deaths = 7; // a worker without progress is replaced five times
    let spawned = 0;
    const supervisor = new Supervisor({
      runner: 'test',
      workerKind: 'process',
      assignment: { applicationName: 'orders', pipelineId: 0, upstreamNames: [] },
      spawn: (hooks) => {
        spawned += 1;
        const isLast = spawned > deaths;
        setImmediate(() => {
          hooks.onMessage({ kind: 'ready' });
          if (isLast) return;
          hooks.onMessage(progress);
          hooks.onExit(new Error('was killed'));
        });
        return { close: () => hooks.onExit(undefined), terminate: async () => {} };
      },
      entered: () => {},
      processed: () => {},
      onResumed: neverResumed,
    });
    await supervisor.start();
    const restarts = () => events.flatMap((one) => (one.kind === 'restarted' ? [one.restarts] : []));
    await until('the last worker runs or the application fails', () => {
      return restarts().length === deaths || events.some(({ kind }) => kind === 'failed');
    });
    await supervisor.close(1_000);
    expect(restarts()).toEqual(Array.from({ length: deaths }, () => 1));
  },
);
