import { setTimeout as delay } from 'node:timers/promises';
import { memory, newId, SteppingSingleThreadedRunner, type StoredNotification } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Reservations } from '../../../../examples/shop/reservations.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import { applicationInternals } from '../../../../src/application/application.ts';
import { storages } from '../../../support/storages.ts';
import { logTicks, startTimeMs, steppers } from '../tick-log.ts';
import { Audits, Book, Books, bookkeeping, Tills } from '../till-system.ts';

/** Returns the time in the first 48 bits of an id. */
function timeOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
}

function all(log: { select(after: number, limit: number): Promise<readonly StoredNotification[]> }) {
  return log.select(0, 10_000);
}

describe.each(steppers)('the stepping $name runner', (stepper) => {
  test('gives events and new aggregates the time of their ticks, in commands and policies', async () => {
    const scenario = {
      system: bookkeeping,
      ticks: 8,
      schedule: (runner: Parameters<Parameters<typeof logTicks>[0]['schedule']>[0]) => {
        for (const tick of [1, 3]) runner.callInFuture(() => runner.get(Tills).open(2, 4), tick);
      },
    };
    const { ticks } = await logTicks(scenario, stepper, memory(), { normalSpeed: 4 });
    let made = 0;
    for (const { simulatedTimeMs, logs, number } of ticks) {
      expect(simulatedTimeMs).toBe(startTimeMs + number * 250);
      for (const { timestamp, originatorId, originatorVersion } of logs.flat()) {
        expect(timestamp).toBe(simulatedTimeMs);
        if (originatorId === Book.id || originatorVersion > 1) continue;
        expect(timeOf(originatorId)).toBe(simulatedTimeMs);
        made += 1;
      }
    }
    expect(made).toBe(2 + 4 + 6);
  });

  test('continues from the positions of an earlier run with new ids, the same each time', async () => {
    const histories = [];
    for (const { create } of [storages[0]!, storages[1]!]) {
      const system = bookkeeping.bind(create());
      const options = { startTimeMs, paused: true };
      {
        await using runner = await stepper.start(system, options);
        for (const tick of [1, 2, 3]) runner.callInFuture(() => runner.get(Tills).open(2, 3, 4), tick);
        await runner.stepUntil(({ number }) => number === 3);
      }
      await using runner = await stepper.start(system, options);
      const before = (await all(runner.get(Tills).log)).length;
      expect(before).toBe(9);
      for (const tick of [1, 2]) runner.callInFuture(() => runner.get(Tills).open(2, 3, 4), tick);
      const [tills, books, audits] = (await runner.step()).applications;
      expect(tills).toMatchObject({ fetched: 0, recorded: 3 });
      expect(books).toMatchObject({ fetched: 3, recorded: 4 });
      expect(audits).toMatchObject({ fetched: 3 + 4 });
      await runner.stepUntil(({ number }) => number === 2);
      await runner.caughtUp();
      const logs = await Promise.all([Tills, Books, Audits].map((kind) => all(runner.get(kind).log)));
      const created = logs.flat().filter(({ originatorVersion }) => originatorVersion === 1);
      expect(new Set(created.map(({ originatorId }) => originatorId)).size).toBe(created.length);
      expect(logs.map(({ length }) => length)).toEqual([15, 20, 15]);
      histories.push(JSON.stringify(logs));
    }
    expect(histories[1]).toBe(histories[0]);
  });

  test('records snapshots, and loads aggregates from them', async () => {
    const storage = storages[1]!.create();
    const system = bookkeeping.bind(storage);
    const options = { startTimeMs, paused: true, cacheSize: 0 };
    {
      await using runner = await stepper.start(system, options);
      runner.callInFuture(() => runner.get(Tills).open(2, 4, 6, 8));
      await runner.step();
      await runner.caughtUp();
      const { recorder } = applicationInternals.storeOf(runner.get(Books));
      const [history] = await recorder.histories([{ originatorId: Book.id, after: 0, useSnapshot: true }]);
      const { snapshot } = history!;
      const state = snapshot!.state.replace(
        /("total":)(\d+)/,
        (_, name, total) => `${name}${Number(total) + 1_000}`,
      );
      expect(state).not.toBe(snapshot!.state);
      await recorder.recordSnapshots([{ ...snapshot!, state }]);
    }
    await using runner = await stepper.start(system, options);
    runner.callInFuture(() => runner.get(Tills).open(10));
    await runner.step();
    await runner.caughtUp();
    const last = (await all(runner.get(Books).log)).findLast(({ originatorId }) => originatorId === Book.id);
    expect(JSON.parse(last!.data)).toMatchObject({ amount: 10, total: 1_030 });
  });
});

describe('the time of a tick', () => {
  test('applies to everything that a command awaits, and to nothing else', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { startTimeMs, paused: true });
    const ids: string[] = [];
    const begun = Promise.withResolvers<void>();
    const outside = Promise.withResolvers<void>();
    runner.callInFuture(async () => {
      ids.push(newId());
      begun.resolve();
      await outside.promise;
      await delay(1);
      ids.push(await runner.get(Orders).place('ada'));
    });
    const stepping = runner.step();
    await begun.promise;
    const id = newId();
    expect(timeOf(id)).toBeGreaterThan(Date.now() - 60_000);
    outside.resolve();
    await stepping;
    expect(ids.map(timeOf)).toEqual([startTimeMs + 1_000, startTimeMs + 1_000]);
    expect(new Set(ids).size).toBe(2);
    const bob = await runner.get(Orders).place('bob');
    const [, { timestamp } = { timestamp: 0 }] = await all(runner.get(Orders).log);
    expect(Math.min(timeOf(bob), timestamp)).toBeGreaterThan(Date.now() - 60_000);
    await runner.caughtUp();
    const [reserved] = await all(runner.get(Reservations).log);
    expect(reserved?.timestamp).toBe(startTimeMs + 2_000);
  });

  test('makes different ids in each command and in each run', async () => {
    const ids: string[] = [];
    for (const start of [startTimeMs, startTimeMs + 1]) {
      await using runner = await SteppingSingleThreadedRunner.start(shop, {
        startTimeMs: start,
        paused: true,
      });
      for (const tick of [1, 1, 2]) runner.callInFuture(() => ids.push(newId(), newId()), tick);
      await runner.stepUntil(({ number }) => number === 2);
    }
    expect(new Set(ids).size).toBe(12);
    expect(
      ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
    ).toBe(true);
  });
});
