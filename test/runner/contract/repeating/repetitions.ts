import { InvalidArgumentError, type ReplayStatus, type SystemRunner } from 'kahn';
import { expect, test } from 'vitest';
import { rejectionOf } from '../../../support/errors.ts';
import { assertSound } from '../../../support/logs.ts';
import { type Apps, fromEnd, incomplete, Orders, system } from '../../../support/systems/invoicing.ts';
import { until } from '../../../support/until.ts';
import type { RunnerSubject } from '../subject.ts';
import { invoicesIn, operationsIn, placeBefore, startInvoicing } from './beginnings.ts';

const because = { by: 'ada', reason: 'drill' };

/** Class of the invoices in the system of a runner. */
export function invoicesOf(runner: SystemRunner<Apps>): Apps {
  return runner.system.applications[1] as Apps;
}

export async function replaysOf(runner: SystemRunner<Apps>): Promise<readonly ReplayStatus[]> {
  const [, invoices] = await runner.status();
  return invoices?.replays ?? [];
}

/** Resolves when no replay of the invoices runs. */
export async function replayed(runner: SystemRunner<Apps>): Promise<void> {
  await until('the replay has ended', async () => (await replaysOf(runner)).every(({ error }) => error));
}

async function causesIn(runner: SystemRunner<Apps>): Promise<number[]> {
  return (await invoicesIn(runner)).map(({ cause }) => cause);
}

/** Positions that are moved, and past events that are handled again. */
export function repetitions(subject: RunnerSubject): void {
  test('a reset to the start hands on what was skipped, and doubles nothing', async () => {
    const storage = subject.createStorage();
    await placeBefore(storage, 'ada', 'bob');
    await using runner = await startInvoicing(subject, storage, fromEnd);
    await runner.get(Orders).place('eve');
    await runner.caughtUp();
    expect(await runner.reset(invoicesOf(runner), { at: 'start', ...because })).toBe(6);
    await until('all events are processed again', async () => (await causesIn(runner)).length === 6);
    await runner.get(Orders).place('dan');
    await until('new events are processed', async () => (await causesIn(runner)).length === 8);
    expect(await causesIn(runner)).toEqual([5, 6, 1, 2, 3, 4, 7, 8]);
    const isReplay = (await invoicesIn(runner)).map(({ data }) => data.isReplay);
    expect(isReplay).toEqual([false, false, true, true, true, true, false, false]);
    await runner.caughtUp();
    const [, invoices] = await runner.status();
    expect(invoices?.upstreams).toMatchObject([{ position: 8, lag: 0, fitsLog: true }]);
    expect(await operationsIn(storage, fromEnd)).toMatchObject([
      { kind: 'begin' },
      {
        kind: 'reset',
        ...because,
        details: { pipelineId: 0, upstreamName: 'orders', from: 6, to: 0, ownHead: 2 },
      },
    ]);
    await runner.close();
    await assertSound(storage, fromEnd);
  });

  test('a reset to the end skips events', async () => {
    const storage = subject.createStorage();
    {
      await using before = await startInvoicing(subject, storage);
      await before.pause(invoicesOf(before), because);
    }
    await placeBefore(storage, 'ada');
    await using runner = await startInvoicing(subject, storage); // is paused from its start
    await runner.reset(invoicesOf(runner), { at: 'end', ...because });
    await runner.resume(invoicesOf(runner), because);
    await runner.get(Orders).place('bob');
    await until('new events are processed', async () => (await causesIn(runner)).length === 2);
    expect(await causesIn(runner)).toEqual([3, 4]);
    await runner.close();
    await assertSound(storage, system);
  });

  test('a replay hands the past events of a type to a new handler, once, beside new events', async () => {
    const storage = subject.createStorage();
    const before = await startInvoicing(subject, storage, incomplete);
    await before.get(Orders).place('ada', 'bob');
    await before.caughtUp();
    await before.close();
    await using runner = await startInvoicing(subject, storage);
    const invoices = invoicesOf(runner);
    const id = await runner.replay(invoices, { types: ['Order.Paid'], sideEffects: false, ...because });
    await runner.get(Orders).place('eve');
    await replayed(runner);
    await runner.caughtUp();
    expect((await causesIn(runner)).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const { type, data, cause } of await invoicesIn(runner)) {
      const isReplay = type === 'Invoice.Settled' && cause < 5;
      expect(data).toMatchObject({ isReplay, sideEffects: !isReplay });
    }
    await runner.replay(invoices, because); // everything is done
    await replayed(runner);
    expect(await causesIn(runner)).toHaveLength(6);
    const range = { pipelineId: 0, upstreamName: 'orders', from: 0, to: 4 };
    expect(await operationsIn(storage)).toMatchObject([
      { kind: 'replay', ...because, details: { id, ...range, types: ['Order.Paid'], sideEffects: false } },
      { kind: 'replay-end', by: 'invoices', details: { id, outcome: 'finished' } },
      { kind: 'replay', details: { from: 0, to: 6, sideEffects: true } },
      { kind: 'replay-end', details: { outcome: 'finished' } },
    ]);
    await runner.close();
    await assertSound(storage, system);
  });

  test('a cancelled replay records nothing more, and another one may follow', async () => {
    const storage = subject.createStorage();
    await placeBefore(storage, 'ada', 'bob');
    await using runner = await startInvoicing(subject, storage, fromEnd);
    const invoices = invoicesOf(runner);
    await runner.pause(invoices, because); // the replay waits
    const id = await runner.replay(invoices, { from: 3, ...because });
    expect(await replaysOf(runner)).toMatchObject([
      { id, upstreamName: 'orders', from: 2, to: 4, position: 2 },
    ]);
    const error = await rejectionOf(runner.replay(invoices, because), InvalidArgumentError);
    expect(error.message).toContain(`is running: replay '${id}'`);
    await rejectionOf(runner.reset(invoices, { at: 0, ...because }), InvalidArgumentError);
    expect(await runner.cancelReplay(invoices, id, because)).toBe(true);
    expect(await runner.cancelReplay(invoices, id, because)).toBe(false);
    await runner.resume(invoices, because);
    await runner.replay(invoices, { to: 1, ...because });
    await replayed(runner);
    expect(await causesIn(runner)).toEqual([1]);
  });
}
