import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type MultiThreadedOptions,
  MultiThreadedRunner,
  memory,
  type Persistence,
  RunnerClosedError,
} from 'kahn';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { watchRunners } from '../../support/events.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { watchWorkers } from '../../support/workers.ts';
import { heldReserving } from './held-shop.ts';
import { isRaised, lower, putSignsInto, raise } from './signs.ts';

const never = 2 ** 30;
const patient = { timeout: 60_000, interval: 5 };
const [, Reservations] = heldReserving.applications;

beforeEach(() => putSignsInto(temporaryDirectory()));

async function reserving(persistence: Persistence, options: MultiThreadedOptions = {}) {
  const runner = await MultiThreadedRunner.start(heldReserving, {
    persistence,
    pollIntervalMs: never,
    ...options,
  });
  onTestFinished(() => runner.close());
  return runner;
}

function watchWarnings(): (Error & { code?: string })[] {
  const warnings: (Error & { code?: string })[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  return warnings;
}

/** Starts again on the same storage and finds every order reserved, once. */
async function assertGoesOn(persistence: Persistence, orders: number): Promise<void> {
  await using runner = await reserving(persistence);
  await runner.caughtUp();
  expect(await runner.get(Reservations!).log.head()).toBe(orders);
}

const inThreads = storages.filter(({ name }) => name !== 'postgres');

describe.each(inThreads)('closing on $name', { timeout: 60_000 }, ({ create }) => {
  test('terminates a policy that blocks for ever, says so, and the next start goes on', async () => {
    const events = watchRunners();
    const warnings = watchWarnings();
    const workers = watchWorkers();
    const persistence = create();
    const runner = await reserving(persistence, { drainTimeoutMs: 300 });
    raise('block');
    await runner.get(Orders).place('ada');
    await vi.waitUntil(() => isRaised('blocked'), patient);
    const waiting = rejectionOf(runner.caughtUp(), RunnerClosedError);
    const start = performance.now();
    await runner.close();
    expect(performance.now() - start).toBeGreaterThan(290);
    expect(workers.size).toBe(0);
    await waiting;
    expect(events.at(-1)).toMatchObject({
      kind: 'stopped',
      applicationName: 'reservations',
      terminated: true,
    });
    await nextTurn();
    expect(warnings).toMatchObject([{ name: 'KahnWarning', code: 'KAHN_THREAD_TERMINATED' }]);
    expect(warnings[0]?.message).toContain('Applications reservations did not come to an end 0.3 s after');
    await assertGoesOn(persistence, 1);
  });

  test('lets the step under way end, and says nothing', async () => {
    const events = watchRunners();
    const warnings = watchWarnings();
    const persistence = create();
    const runner = await reserving(persistence, { batchSize: 1 });
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
    expect(events.slice(-2)).toMatchObject([
      { kind: 'processed', count: 1 },
      { kind: 'stopped', terminated: false },
    ]);
    await assertGoesOn(persistence, 2);
  });

  test('ends a runner whose thread is being restarted, at any moment of that', async () => {
    const warnings = watchWarnings();
    const persistence = create();
    const moments = ['dead', 'restarting', 'spawned', 'restarted'];
    for (const [round, moment] of moments.entries()) {
      const reached = Promise.withResolvers<void>();
      let isArmed = false;
      const reach = (name: string) => void (isArmed && name === moment && reached.resolve());
      const workers = watchWorkers((worker) => {
        reach('spawned');
        worker.once('exit', () => reach('dead'));
      });
      watchRunners(({ kind }) => reach(kind));
      const runner = await reserving(persistence);
      isArmed = true;
      raise('exit', Infinity);
      await runner.get(Orders).place(moment);
      if (moment === 'restarting') {
        await vi.waitUntil(async () => (await runner.status())[1]?.state === 'restarting', patient);
      } else await reached.promise;
      await runner.close();
      expect(workers.size, moment).toBe(0);
      lower('exit');
      await assertGoesOn(persistence, round + 1);
    }
    await nextTurn();
    expect(warnings).toEqual([]);
  });

  test('rejects every wait under way, wherever it stands, with RUNNER_CLOSED', async () => {
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

  test('waits for no tick of the clock', async () => {
    const events = watchRunners();
    const persistence = create();
    const runner = await reserving(persistence, { clockSpeed: 0.01, batchSize: 1 });
    for (const customer of ['ada', 'bob', 'cy']) await runner.get(Orders).place(customer);
    await runner.close();
    expect(events.at(-1)).toMatchObject({ kind: 'stopped', terminated: false });
    await assertGoesOn(persistence, 3);
  });

  test('a start that is given up, at any moment, leaves no thread', async () => {
    const persistence = create();
    const reason = new Error('no time');
    for (const moment of ['at once', 'next turn', 'first thread', 'last thread', 'ready']) {
      const abort = new AbortController();
      const give = () => abort.abort(reason);
      let spawned = 0;
      const workers = watchWorkers(() => {
        spawned += 1;
        if (moment === 'first thread' || (moment === 'last thread' && spawned === 3)) give();
      });
      watchRunners(({ kind }) => void (moment === 'ready' && kind === 'started' && give()));
      const starting = MultiThreadedRunner.start(shop, { persistence, signal: abort.signal });
      if (moment === 'at once') give();
      if (moment === 'next turn') void nextTurn().then(give);
      await expect(starting, moment).rejects.toBe(reason);
      expect(workers.size, moment).toBe(0);
      await nextTurn();
      expect(workers.size, moment).toBe(0);
    }
    await using runner = await MultiThreadedRunner.start(shop, { persistence });
    await runner.get(Orders).place('ada');
    await runner.caughtUp();
  });
});

describe('a thread of memory() that holds the lock of its journal', { timeout: 60_000 }, () => {
  test('does not keep others from recording when it dies', async () => {
    const runner = await reserving(memory());
    raise('lock');
    const id = await runner.get(Orders).place('ada');
    await vi.waitUntil(() => isRaised('blocked'), patient);
    const other = Reservation.for('nobody', 'a reservation of another kind');
    const saving = runner.get(Reservations!).save(other);
    raise('die');
    await saving;
    await runner.caughtUp();
    const { log } = runner.get(Reservations!);
    expect((await log.select(0, 10)).map(({ data }) => JSON.parse(data).orderId).sort()).toEqual(
      ['nobody', id].sort(),
    );
  });

  test('does not keep the next runner from recording when it is terminated', async () => {
    const persistence = memory();
    const runner = await reserving(persistence, { drainTimeoutMs: 100 });
    raise('lock');
    await runner.get(Orders).place('ada');
    await vi.waitUntil(() => isRaised('blocked'), patient);
    await runner.close();
    await assertGoesOn(persistence, 1);
  });
});
