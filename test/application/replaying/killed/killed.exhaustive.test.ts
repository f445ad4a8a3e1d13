import { fork } from 'node:child_process';
import { once } from 'node:events';
import { listOperations, type Operation, run, type StorageDescription, type SystemRunner } from 'kahn';
import { describe, expect, test } from 'vitest';
import { assertContiguous, assertSound } from '../../../support/logs.ts';
import { storages } from '../../../support/storages.ts';
import { type Apps, fromEnd, Orders } from '../../../support/systems/invoicing.ts';
import { inTime, until } from '../../../support/until.ts';
import type { Task } from './repeating-program.ts';

const program = new URL('./repeating-program.ts', import.meta.url);
const invoices = fromEnd.applications[1] as Apps;
const because = { by: 'bob', reason: 'again' };
/** Orders from before. A replay of many is not over when it is cancelled. */
const ordersFor: Readonly<Record<Task, number>> = { begin: 3, reset: 3, replay: 3, cancel: 20 };

/** Places orders while no invoices follow them, and returns the ids of their events. */
async function place(storage: StorageDescription, task: Task): Promise<readonly number[]> {
  const customers = Array.from({ length: ordersFor[task] }, (_, i) => `customer ${i}`);
  await using orders = await fromEnd.open(Orders, { storage });
  await orders.place(...customers);
  return Array.from({ length: 2 * customers.length }, (_, i) => i + 1);
}

/** Does a task in a process that is killed at a moment; resolves with false if it ended before. */
async function isKilledAt(moment: number, task: Task, storage: StorageDescription): Promise<boolean> {
  const child = fork(program, [JSON.stringify(storage), task, `${moment}`], {
    execArgv: ['--conditions=kahn-source'],
  });
  const [code, signal] = await once(child, 'exit', { signal: inTime() });
  if (signal !== 'SIGKILL') expect(code).toBe(0);
  return signal === 'SIGKILL';
}

/** Calls a check with storage in which a task was killed, for all moments of the task. Resolves with their number. */
async function killEverywhere(
  task: Task,
  create: () => StorageDescription,
  check: (storage: StorageDescription, before: readonly number[]) => Promise<void>,
): Promise<number> {
  for (let moment = 0; ; moment += 1) {
    const storage = create();
    const before = await place(storage, task);
    if (task !== 'begin') await (await run(fromEnd, { storage })).close(); // the invoices leave these orders out
    const isKilled = await isKilledAt(moment, task, storage);
    await check(storage, before);
    await assertSound(storage, fromEnd);
    if (!isKilled) return moment;
  }
}

async function operationsIn(storage: StorageDescription): Promise<readonly Operation[]> {
  const all: Operation[] = [];
  for await (const operation of listOperations(storage, fromEnd)) all.push(operation);
  return all;
}

const kindsIn = async (storage: StorageDescription) =>
  (await operationsIn(storage)).map(({ kind }) => kind).filter((kind) => kind !== 'begin');

/** Reads the causes of the invoices, in the order of their log, while nothing is processed. */
async function causesIn(runner: Pick<SystemRunner<Apps>, 'get'>): Promise<readonly number[]> {
  const causes: number[] = [];
  await assertContiguous(runner.get(invoices));
  for await (const { event } of runner.get(invoices).reader()) causes.push(event.cause?.notificationId ?? 0);
  return causes;
}

/** Reads the causes of the invoices without a runner. */
async function causesOf(storage: StorageDescription): Promise<readonly number[]> {
  await using opened = await fromEnd.open(invoices, { storage });
  return await causesIn({ get: () => opened as never });
}

/** Waits until nothing is processed again. */
async function repeated(runner: SystemRunner<Apps>): Promise<void> {
  await until('all is processed again', async () => {
    const [, status] = await runner.status();
    return status?.replays === undefined && status?.upstreams[0]?.lag === 0;
  });
}

const sorted = (ids: readonly number[]) => ids.toSorted((a, b) => a - b);

describe.each(storages.filter(({ name }) => name !== 'memory'))('on $name', ({ create }) => {
  test('a beginning is decided once, at whatever moment the first start is killed', async () => {
    const moments = await killEverywhere('begin', create, async (storage, before) => {
      await using runner = await run(fromEnd, { storage });
      await runner.get(Orders).place('dan');
      await runner.caughtUp();
      const [first = 0, ...others] = await causesIn(runner);
      expect(first).toBe(before.length + 1); // nothing from before, and nothing of what came later is left out
      const head = await runner.get(Orders).log.head();
      expect(others).toEqual(Array.from({ length: head - first }, (_, i) => first + 1 + i));
      expect((await operationsIn(storage)).map(({ kind, details }) => [kind, details.to])).toEqual([
        ['begin', before.length],
      ]);
    });
    expect(moments).toBeGreaterThan(5);
  });

  test('a reset is recorded once or not at all, at whatever moment it is killed, and each event is handled once', async () => {
    let withoutReset = 0;
    const moments = await killEverywhere('reset', create, async (storage, before) => {
      const kinds = await kindsIn(storage);
      expect([[], ['reset']]).toContainEqual(kinds);
      await using runner = await run(fromEnd, { storage, batchSize: 2 });
      await repeated(runner);
      expect(await causesIn(runner)).toEqual(kinds.length === 0 ? [] : before);
      if (kinds.length === 0) withoutReset += 1;
      await runner.reset(invoices, { at: 'start', ...because }); // by people who got no answer
      await repeated(runner);
      expect(await causesIn(runner)).toEqual(before);
      expect(await kindsIn(storage)).toEqual([...kinds, 'reset']);
    });
    expect(withoutReset).toBeGreaterThan(0);
    expect(moments).toBeGreaterThan(withoutReset + 3);
  });

  test.each(['replay', 'cancel'] as const)(
    'a replay begins and ends once, at whatever moment a %s is killed, and each event is handled once',
    async (task) => {
      const outcomes = new Set<unknown>();
      const moments = await killEverywhere(task, create, async (storage, before) => {
        const killed = await kindsIn(storage);
        expect([[], ['replay'], ['replay', 'replay-end']]).toContainEqual(killed);
        const done = await causesOf(storage);
        await using runner = await run(fromEnd, { storage, batchSize: 2 });
        await repeated(runner);
        const operations = await operationsIn(storage);
        const [begun, ended, ...others] = operations.filter(({ kind }) => kind.startsWith('replay'));
        expect(others).toEqual([]);
        expect(ended?.details.id).toBe(begun?.details.id);
        const outcome = ended?.details.outcome;
        outcomes.add(outcome);
        if (outcome === undefined) expect(await causesIn(runner)).toEqual([]);
        if (outcome === 'cancelled') expect(await causesIn(runner)).toEqual(done); // nothing more is recorded
        if (outcome === 'finished') expect(await causesIn(runner)).toEqual(before);
        await runner.replay(invoices, because);
        await runner.get(Orders).place('eve');
        await repeated(runner);
        expect(sorted(await causesIn(runner))).toEqual([...before, before.length + 1, before.length + 2]);
      });
      expect(outcomes).toContain(undefined);
      expect(outcomes).toContain('finished');
      if (task === 'cancel') expect(outcomes).toContain('cancelled');
      expect(moments).toBeGreaterThan(8);
    },
  );
});
