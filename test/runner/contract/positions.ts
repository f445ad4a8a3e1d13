import { isDeepStrictEqual } from 'node:util';
import { DownstreamError, type Saved, type StorageDescription, type SystemRunner } from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { rejectionOf } from '../../support/errors.ts';
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

  test('status() counts parked notifications, which do not lag behind', async () => {
    const storage = createStorage();
    {
      await using runner = await start(shop, { storage });
      await runner.settled(await runner.get(Orders).save(Order.place('ada')));
    }
    await park(storage, 'orders', 'payments', [1]);
    await park(storage, 'payments', 'orders', [1, 3]);
    await using runner = await start(shop, { storage });
    await rejectionOf(runner.caughtUp(), DownstreamError);
    const ofFirst = (await runner.status()).filter(({ pipelineId }) => pipelineId === 0);
    const counts = ofFirst.flatMap(({ applicationName, upstreams }) =>
      upstreams.map(({ upstreamName, parked, lag }) => [applicationName, upstreamName, parked, lag]),
    );
    expect(counts).toEqual([
      ['orders', 'reservations', 0, 0],
      ['orders', 'payments', 1, 0],
      ['reservations', 'orders', 0, 0],
      ['payments', 'orders', 2, 0],
    ]);
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

/** Parks notifications that an application has passed. */
async function park(
  storage: StorageDescription,
  applicationName: string,
  upstreamName: string,
  ids: readonly number[],
): Promise<void> {
  const opened = await openStorage(storage);
  const recorder = await opened.openRecorder({ applicationName, setupTables: false });
  const content = { originatorId: 'a', isDue: false, attempts: 1, since: 0, reason: '{}' };
  const parked = ids.map((notificationId) => ({ upstreamName, notificationId, expected: 0, content }));
  await recorder.record(0, [{ events: [], snapshots: [], parked }]);
  await recorder.close();
  await opened.close();
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
