import { isDeepStrictEqual } from 'node:util';
import type { Saved, StorageDescription, SystemRunner } from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { assertSound } from '../../support/logs.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { type Apps, assertAllDone, everything, headsAndPositions, type RunnerSubject } from './subject.ts';

/** When positions behind ignored notifications are recorded. */
export function positions({ start, createStorage }: RunnerSubject): void {
  test('positions behind ignored events are recorded without further events', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    const id = await runner.get(Orders).place('ada');
    await until('all positions are recorded', async () => {
      const { positions } = await headsAndPositions(runner);
      return isDeepStrictEqual(positions, everything(1).positions);
    });
    await assertAllDone(runner, [id]);
  });

  test('close() records the positions behind ignored events', async () => {
    const storage = createStorage();
    const events = watchRunners();
    const runner = await start(shop, { storage });
    await placeAndProcess(runner, events);
    await runner.close();
    expect(await positionsIn(storage)).toEqual(everything(2).positions);
    await assertSound(storage);
  });

  test('settled() and caughtUp() need not wait until positions have been unrecorded for a second', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    for (const wait of [(saved: Saved) => runner.settled(saved), () => runner.caughtUp()]) {
      await until('a wait was short', async () => {
        const began = performance.now();
        await wait(await runner.get(Orders).save(Order.place('ada')));
        return performance.now() - began < 800;
      });
    }
  });

  test('nothing lags behind after caughtUp()', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    for (let i = 0; i < 3; i += 1) {
      await runner.get(Orders).place('ada');
      await runner.caughtUp();
      for (const { upstreams } of await runner.status())
        for (const upstream of upstreams) expect(upstream).toMatchObject({ lag: 0, fitsLog: true });
    }
  });
}

/** Places two orders. Resolves when all their events are handled or ignored: 8 notifications each. */
async function placeAndProcess(
  runner: SystemRunner<Apps>,
  events: ReturnType<typeof watchRunners>,
): Promise<void> {
  await Promise.all(['ada', 'bob'].map((customer) => runner.get(Orders).place(customer)));
  const processed = () => events.reduce((sum, one) => sum + (one.kind === 'processed' ? one.count : 0), 0);
  await until('all events are processed', () => processed() >= 16);
}

/** Reads the positions of the first pipeline of the shop in a storage that no runner uses. */
async function positionsIn(storage: StorageDescription): Promise<Record<string, number>> {
  const opened = await openStorage(storage);
  const all: Record<string, number> = {};
  try {
    for (const { applicationName } of shop.applications) {
      const recorder = await opened.openRecorder({ applicationName, setupTables: false });
      for (const { pipelineId, upstreamName, position } of await recorder.positions())
        if (pipelineId === 0) all[`${upstreamName}>${applicationName}`] = position;
      await recorder.close();
    }
  } finally {
    await opened.close();
  }
  return all;
}
