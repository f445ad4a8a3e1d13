import { listOperations, type SystemRunner } from 'kahn';
import { expect, test } from 'vitest';
import { assertSound } from '../../../support/logs.ts';
import { type Apps, type InvoiceEvent, Orders, system } from '../../../support/systems/invoicing.ts';
import { inTime, until } from '../../../support/until.ts';
import type { RunnerSubject } from '../subject.ts';

const pipelineIds = [0, 1, 2];
const because = { by: 'ada', reason: 'drill' };
const invoices = system.applications[1] as Apps;

/** Positions that are moved and events that are handled again, in one of several pipelines. */
export function repetitionsInPipelines({ start, createStorage, takesPipelines }: RunnerSubject): void {
  if (!takesPipelines) return;

  test('a reset and a replay concern one pipeline, and are on record with it', async () => {
    const storage = createStorage();
    const open = async () =>
      (await start(system as never, { storage, batchSize: 2, pipelineIds })) as unknown as SystemRunner<Apps>;
    {
      await using before = await open();
      await before.pause(invoices, because);
    }
    await using runner = await open(); // its invoices are paused from the start
    for (const pipelineId of pipelineIds) await runner.get(Orders, pipelineId).place('ada', 'bob');
    for (const pipelineId of [1, 2])
      expect(await runner.reset(invoices, { at: 'end', pipelineId, ...because })).toBe(0);
    await runner.resume(invoices, because);
    await runner.caughtUp({ signal: inTime() });
    expect(await causesIn(runner)).toEqual([[1, 2, 3, 4], [], []]);

    expect(await runner.reset(invoices, { at: 1, pipelineId: 1, ...because })).toBe(4);
    const id = await runner.replay(invoices, { from: 2, to: 3, pipelineId: 2, ...because });
    for (const pipelineId of pipelineIds) await runner.get(Orders, pipelineId).place('eve');
    await until('all is processed again', async () => {
      const statuses = (await runner.status()).filter(
        ({ applicationName }) => applicationName === 'invoices',
      );
      return statuses.every(({ replays, upstreams }) => replays === undefined && upstreams[0]?.lag === 0);
    });
    await runner.caughtUp({ signal: inTime() });
    const sorted = (await causesIn(runner)).map((causes) => causes.toSorted((a, b) => a - b));
    expect(sorted).toEqual([
      [1, 2, 3, 4, 5, 6],
      [2, 3, 4, 5, 6],
      [2, 3, 5, 6],
    ]);
    const records: object[] = [];
    for await (const { kind, details } of listOperations(storage, system))
      if (kind !== 'pause' && kind !== 'resume') records.push({ kind, ...details });
    expect(records).toMatchObject([
      { kind: 'reset', pipelineId: 1, from: 0, to: 4 },
      { kind: 'reset', pipelineId: 2, from: 0, to: 4 },
      { kind: 'reset', pipelineId: 1, from: 4, to: 1 },
      { kind: 'replay', pipelineId: 2, id, from: 1, to: 3 },
      { kind: 'replay-end', id, outcome: 'finished' },
    ]);
    await runner.close();
    await assertSound(storage, system);
  });
}

/** Returns the causes of the recorded invoices in each pipeline, in the order of the logs. */
async function causesIn(runner: SystemRunner<Apps>): Promise<number[][]> {
  return await Promise.all(
    pipelineIds.map(async (pipelineId) => {
      const causes: number[] = [];
      for await (const { event } of runner.get(invoices, pipelineId).reader())
        causes.push((event as InvoiceEvent & { cause: { notificationId: number } }).cause.notificationId);
      return causes;
    }),
  );
}
