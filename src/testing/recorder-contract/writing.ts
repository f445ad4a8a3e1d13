import assert from 'node:assert/strict';
import { event, processEvent, tracked, versions } from './fixture.ts';
import type { Test } from './tested-storage.ts';

/** Results of record(). */
export function recording(test: Test): void {
  test('ids count from 1 in the order of the events, over calls and process events', async (storage) => {
    const recorder = await storage.open();
    assert.equal(await recorder.head(0), 0);
    assert.equal(await recorder.record(0, [processEvent(event('b', 1), event('a', 1))]), 2);
    assert.equal(
      await recorder.record(0, [processEvent(event('a', 2)), processEvent(), processEvent(event('c', 1))]),
      4,
    );
    assert.equal(await recorder.head(0), 4);
    assert.deepEqual(await recorder.notifications(0, 0, 10), [
      { id: 1, ...event('b', 1) },
      { id: 2, ...event('a', 1) },
      { id: 3, ...event('a', 2) },
      { id: 4, ...event('c', 1) },
    ]);
  });

  test('concurrent calls are recorded in the order of the calls', async (storage) => {
    const recorder = await storage.open();
    const calls = Array.from({ length: 20 }, (_, index) =>
      recorder.record(0, [processEvent(event('a', index + 1))]),
    );
    assert.deepEqual(
      await Promise.all(calls),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    assert.deepEqual(
      await versions(recorder, { originatorId: 'a' }),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  test('pipelines have logs and positions of their own', async (storage) => {
    const recorder = await storage.open();
    assert.equal(await recorder.record(0, [processEvent(event('a', 1), event('a', 2))]), 2);
    assert.equal(await recorder.record(2_147_483_647, [tracked('up', 0, 7, event('b', 1))]), 1);
    assert.deepEqual(await recorder.notifications(2_147_483_647, 0, 10), [{ id: 1, ...event('b', 1) }]);
    assert.deepEqual([await recorder.head(0), await recorder.head(1)], [2, 0]);
    assert.deepEqual(
      [(await recorder.position(2_147_483_647, 'up')).position, (await recorder.position(0, 'up')).position],
      [7, 0],
    );
  });

  test('an empty call changes nothing and resolves with the head', async (storage) => {
    const recorder = await storage.open();
    assert.equal(await recorder.record(0, []), 0);
    await recorder.record(0, [processEvent(event('a', 1))]);
    assert.equal(await recorder.record(0, []), 1);
    assert.equal(await recorder.record(0, [processEvent()]), 1);
  });
}

/** Moving positions. */
export function positions(test: Test): void {
  test('each upstream has a position, moved only from the expected value', async (storage) => {
    const recorder = await storage.open();
    assert.equal((await recorder.position(0, 'up')).position, 0);
    assert.equal(await recorder.record(0, [tracked('up', 0, 5), tracked('other', 0, 2)]), 0);
    await recorder.record(0, [tracked('up', 5, 6)]);
    assert.deepEqual(
      [(await recorder.position(0, 'up')).position, (await recorder.position(0, 'other')).position],
      [6, 2],
    );
    const upstreamName = 'up';
    for (const [expected, actual] of [
      [0, 6],
      [5, 6],
      [7, 6],
    ]) {
      // biome-ignore format: pairs
      const call = recorder.record(0, [tracked(upstreamName, expected ?? 0, 9)]);
      await assert.rejects(call, { code: 'POSITION_CONFLICT', upstreamName, expected, actual });
    }
    await assert.rejects(recorder.record(0, [tracked('new', 1, 2)]), {
      code: 'POSITION_CONFLICT',
      actual: 0,
    });
    assert.deepEqual(
      [(await recorder.position(0, 'up')).position, (await recorder.position(0, 'new')).position],
      [6, 0],
    );
  });

  test('a position can be moved several times in a call', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [tracked('up', 0, 1, event('a', 1)), tracked('up', 1, 2, event('a', 2))]);
    assert.equal((await recorder.position(0, 'up')).position, 2);
    const twice = recorder.record(0, [
      tracked('up', 2, 3, event('a', 3)),
      tracked('up', 2, 3, event('a', 4)),
    ]);
    await assert.rejects(twice, { code: 'POSITION_CONFLICT', expected: 2, actual: 2 });
    assert.deepEqual([(await recorder.position(0, 'up')).position, await recorder.head(0)], [2, 2]);
  });
}
