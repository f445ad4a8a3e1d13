import assert from 'node:assert/strict';
import { event, processEvent, tracked } from './fixture.ts';
import type { Test } from './tested-storage.ts';

/** Lists of all logs, positions and applications. */
export function contents(test: Test): void {
  test('all logs that are not empty are listed in the order of pipelines', async (storage) => {
    const recorder = await storage.open();
    assert.deepEqual(await recorder.logs(), []);
    await recorder.record(2_147_483_647, [processEvent(event('a', 1), event('a', 2))]);
    await recorder.record(3, [tracked('up', 0, 8)]);
    await recorder.record(10, [processEvent(event('b', 1))]);
    await recorder.record(0, [processEvent(event('a', 3), event('b', 2), event('c', 1))]);
    await recorder.record(9, [processEvent(event('d', 1))]);
    const expected = [
      { pipelineId: 0, notificationId: 3 },
      { pipelineId: 9, notificationId: 1 },
      { pipelineId: 10, notificationId: 1 },
      { pipelineId: 2_147_483_647, notificationId: 2 },
    ];
    assert.deepEqual(await recorder.logs(), expected);
    const rejected = recorder.record(5, [processEvent(event('e', 1), event('a', 1))]);
    await assert.rejects(rejected, { code: 'RECORD_CONFLICT' });
    assert.deepEqual(await recorder.logs(), expected);
  });

  test('all positions are listed in the order of pipelines and of names by UTF-8 bytes', async (storage) => {
    const recorder = await storage.open();
    assert.deepEqual(await recorder.positions(), []);
    const names = [' ', 'Z', 'a', 'a b', 'ab', 'z', 'é', '注文', '～', '🛒'];
    const moves = names.map((name, index) => tracked(name, 0, index + 1));
    await recorder.record(10, moves.toReversed());
    await recorder.record(9, [...moves, processEvent(event('a', 1))]);
    await recorder.record(9, [tracked('Z', 2, 9_007_199_254_740_991)]);
    const listed = (pipelineId: number) =>
      names.map((upstreamName, index) => ({
        pipelineId,
        upstreamName,
        position: index + 1,
        typesVersion: 0,
      }));
    const expected = [...listed(9), ...listed(10)].with(1, {
      pipelineId: 9,
      upstreamName: 'Z',
      position: 9_007_199_254_740_991,
      typesVersion: 0,
    });
    assert.deepEqual(await recorder.positions(), expected);
    await assert.rejects(recorder.record(9, [tracked('new', 0, 1), tracked('Z', 0, 1)]), {
      code: 'POSITION_CONFLICT',
    });
    assert.deepEqual(await recorder.positions(), expected);
  });

  test('all applications are listed in the order of their UTF-8 bytes', async (storage) => {
    assert.deepEqual(await storage.applicationNames(), []);
    const names = ['Orders', 'a b', 'orders', 'orders 2', '注文', '～', '🛒'];
    for (const name of names.toReversed()) await storage.open(name);
    const first = await storage.open('orders');
    await first.close();
    await assert.rejects(storage.open('payments', false), { code: 'STORAGE_NOT_SET_UP' });
    assert.deepEqual(await storage.applicationNames(), names);
  });
}
