import { setImmediate as nextTurn } from 'node:timers/promises';
import { InvalidOptionError, RunnerClosedError, type StorageDescription } from 'kahn';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { assertSound } from '../../support/logs.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { type SupervisedOptions, supervisedSubjects } from '../../support/supervised-runners.ts';
import { patient } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchWarnings } from '../../support/watchers/warnings.ts';
import { isRaised, lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { heldReserving } from '../multi-threaded/held-shop.ts';

const never = 2 ** 30;
const [, Reservations] = heldReserving.applications;

beforeEach(() => storeFlagsIn(temporaryDirectory()));

describe.each(supervisedSubjects)('closing $name', ({ kind, start, create, watch }) => {
  const reserving = async (storage: StorageDescription, options: SupervisedOptions = {}) => {
    const runner = await start(heldReserving, { storage, pollIntervalMs: never, ...options });
    onTestFinished(() => runner.close());
    return runner;
  };

  /** Starts again on the same storage and asserts that every order is reserved once. */
  const assertGoesOn = async (storage: StorageDescription, orders: number) => {
    await using runner = await reserving(storage);
    await runner.caughtUp();
    expect(await runner.get(Reservations!).log.head()).toBe(orders);
    await assertSound(storage, heldReserving);
  };

  test('terminates a policy that blocks, warns of it, and the next start repeats its work', async () => {
    const events = watchRunners();
    const warnings = watchWarnings();
    const workers = watch();
    const storage = create();
    const runner = await reserving(storage, { drainTimeoutMs: 300 });
    raise('block');
    await runner.get(Orders).place('ada');
    await vi.waitUntil(() => isRaised('blocked'), patient);
    const waiting = rejectionOf(runner.caughtUp(), RunnerClosedError);
    const since = performance.now();
    await runner.close();
    expect(performance.now() - since).toBeGreaterThan(290);
    expect(workers.size).toBe(0);
    await waiting;
    expect(events.at(-1)).toMatchObject({
      kind: 'stopped',
      applicationName: 'reservations',
      terminated: true,
    });
    await nextTurn();
    expect(warnings).toMatchObject([{ name: 'KahnWarning', code: `KAHN_${kind.toUpperCase()}_TERMINATED` }]);
    expect(warnings[0]?.message).toContain('Applications reservations did not stop within 0.3 s of close()');
    await assertGoesOn(storage, 1);
  });

  test('finishes the step under way without a warning', async () => {
    const events = watchRunners();
    const warnings = watchWarnings();
    const storage = create();
    const runner = await reserving(storage, { batchSize: 1 });
    raise('hold');
    await Promise.all(['ada', 'bob'].map((customer) => runner.get(Orders).place(customer)));
    await vi.waitUntil(() => isRaised('held'), patient);
    const waiting = rejectionOf(runner.caughtUp(), RunnerClosedError);
    const closing = Promise.all([runner.close(), runner.close()]);
    await waiting;
    await nextTurn();
    expect(events.filter(({ kind }) => kind === 'stopped')).toEqual([]);
    lower('hold');
    await closing;
    await nextTurn();
    expect(warnings).toEqual([]);
    // If the policy is released before the worker is closed, a second step has begun.
    const done = events.filter(({ kind }) => kind !== 'prompted'); // the prompt of the second order may come late
    expect(done.slice(-2)).toMatchObject([{ kind: 'processed' }, { kind: 'stopped', terminated: false }]);
    await assertGoesOn(storage, 2);
  });

  test.each(['dead', 'restarting', 'spawned', 'restarted'])(
    'ends a runner with a worker that is being restarted: %s',
    async (moment) => {
      const warnings = watchWarnings();
      const storage = create();
      const reached = Promise.withResolvers<void>();
      let isArmed = false;
      const reach = (name: string) => void (isArmed && name === moment && reached.resolve());
      const workers = watch(
        () => reach('spawned'),
        () => reach('dead'),
      );
      watchRunners(({ kind }) => reach(kind));
      const runner = await reserving(storage);
      isArmed = true;
      raise('exit', Infinity);
      await runner.get(Orders).place(moment);
      if (moment === 'restarting') {
        await vi.waitUntil(async () => (await runner.status())[1]?.state === 'restarting', patient);
      } else await reached.promise;
      await runner.close();
      expect(workers.size).toBe(0);
      lower('exit');
      await assertGoesOn(storage, 1);
      await nextTurn();
      expect(warnings).toEqual([]);
    },
  );

  test('start() rejects null as options', async () => {
    await rejectionOf(start(shop, null as unknown as SupervisedOptions), InvalidOptionError);
  });

  test('rejects every wait under way with RUNNER_CLOSED', async () => {
    const runner = await reserving(create());
    await runner.get(Orders).place('ada');
    await runner.caughtUp();
    const outcomes: Promise<unknown>[] = [];
    const wait = () =>
      runner.caughtUp().then(
        () => 'caught up',
        ({ code }) => code,
      );
    for (let turn = 0; turn < 100; turn += 1) {
      outcomes.push(wait());
      await Promise.resolve();
    }
    await runner.close();
    const distinct = new Set(await Promise.all(outcomes));
    distinct.delete('caught up');
    expect([...distinct]).toEqual(['RUNNER_CLOSED']);
  });

  test.each(['at once', 'next turn', 'first worker', 'last worker', 'ready'])(
    'an aborted start leaves nothing running: %s',
    async (moment) => {
      const storage = create();
      const reason = new Error('no time');
      const abort = new AbortController();
      const give = () => abort.abort(reason);
      let spawned = 0;
      const workers = watch(() => {
        spawned += 1;
        if (moment === 'first worker' || (moment === 'last worker' && spawned === 3)) give();
      });
      watchRunners(({ kind }) => void (moment === 'ready' && kind === 'started' && give()));
      const starting = start(shop, { storage, signal: abort.signal });
      if (moment === 'at once') give();
      if (moment === 'next turn') void nextTurn().then(give);
      await expect(starting).rejects.toBe(reason);
      expect(workers.size).toBe(0);
      await nextTurn();
      expect(workers.size).toBe(0);
      await using runner = await start(shop, { storage });
      await runner.get(Orders).place('ada');
      await runner.caughtUp();
    },
  );
});
