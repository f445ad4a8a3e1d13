import assert from 'node:assert/strict';
import type { ProcessEvent, Recorder } from '../../storage/index.ts';
import { event, processEvent, snapshot, tracked, versions } from './fixture.ts';
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
      [await recorder.position(2_147_483_647, 'up'), await recorder.position(0, 'up')],
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

  test('an event is rejected unless its version is the next one', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [processEvent(event('a', 1))]);
    for (const [attemptedVersion, ...rest] of [[3], [9], [1], [3, 2]]) {
      const events = [attemptedVersion, ...rest].map((version) => event('a', version ?? 0));
      await assert.rejects(recorder.record(0, [processEvent(event('b', 1), ...events)]), {
        code: 'RECORD_CONFLICT',
        originatorId: 'a',
        attemptedVersion,
        currentVersion: 1,
      });
    }
    await assert.rejects(recorder.record(0, [processEvent(event('c', 2))]), {
      code: 'RECORD_CONFLICT',
      currentVersion: 0,
    });
    assert.equal(await recorder.record(1, [processEvent(event('a', 2), event('a', 3))]), 2);
    assert.deepEqual(await versions(recorder, { originatorId: 'a' }), [1, 2, 3]);
    assert.deepEqual(await versions(recorder, { originatorId: 'b' }), []);
  });
}

const before = [tracked('up', 0, 3, event('a', 1), event('a', 2))];

/** Checks that only `before` is recorded, and that more can be recorded. */
async function assertUnchanged(recorder: Recorder): Promise<void> {
  assert.equal(await recorder.head(0), 2);
  assert.equal((await recorder.notifications(0, 0, 10)).length, 2);
  assert.deepEqual(await versions(recorder, { originatorId: 'a' }), [1, 2]);
  assert.deepEqual(await versions(recorder, { originatorId: 'b' }), []);
  const [history] = await recorder.histories([{ originatorId: 'b', after: 0, useSnapshot: true }]);
  assert.equal(history?.snapshot, undefined);
  assert.deepEqual([await recorder.position(0, 'up'), await recorder.position(0, 'other')], [3, 0]);
  assert.equal(await recorder.record(0, [tracked('up', 3, 4, event('a', 3), event('b', 1))]), 4);
}

/** Calls that record() rejects. */
export function conflicts(test: Test): void {
  /** Returns a call whose second process event conflicts, unlike the others. */
  const around = (conflicting: ProcessEvent): ProcessEvent[] => [
    { ...tracked('other', 0, 1, event('b', 1), event('a', 3)), snapshots: [snapshot('b', 1)] },
    conflicting,
    processEvent(event('b', 3)),
  ];

  test('a recorded version is rejected, with the whole call', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, before);
    const call = recorder.record(0, around(tracked('up', 3, 4, event('b', 2), event('a', 1))));
    await assert.rejects(call, {
      name: 'RecordConflictError',
      code: 'RECORD_CONFLICT',
      applicationName: 'orders',
      originatorId: 'a',
      attemptedVersion: 1,
      currentVersion: 2,
    });
    await assertUnchanged(recorder);
  });

  test('an unexpected position is rejected, with the whole call', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, before);
    await assert.rejects(recorder.record(0, around(tracked('up', 2, 4, event('b', 2)))), {
      name: 'PositionConflictError',
      code: 'POSITION_CONFLICT',
      applicationName: 'orders',
      upstreamName: 'up',
      expected: 2,
      actual: 3,
    });
    await assertUnchanged(recorder);
  });

  test('a single event with a position is rejected if either conflicts', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, before);
    for (const [expected, version, conflict] of [
      [3, 2, { code: 'RECORD_CONFLICT', attemptedVersion: 2, currentVersion: 2 }],
      [3, 4, { code: 'RECORD_CONFLICT', attemptedVersion: 4, currentVersion: 2 }],
      [2, 3, { code: 'POSITION_CONFLICT', upstreamName: 'up', expected: 2, actual: 3 }],
      [4, 3, { code: 'POSITION_CONFLICT', expected: 4, actual: 3 }],
    ] as const) {
      const call = recorder.record(0, [tracked('up', expected, 5, event('a', version))]);
      await assert.rejects(call, conflict);
    }
    await assert.rejects(recorder.record(0, [tracked('up', 3, 4, event('b', 2))]), {
      code: 'RECORD_CONFLICT',
    });
    assert.equal(await recorder.record(0, [tracked('up', 3, 4, event('b', 1))]), 3);
    assert.equal(await recorder.record(0, [tracked('up', 4, 9, event('b', 2))]), 4);
    const notifications = await recorder.notifications(0, 2, 10);
    assert.deepEqual(notifications, [
      { id: 3, ...event('b', 1) },
      { id: 4, ...event('b', 2) },
    ]);
    assert.equal(await recorder.position(0, 'up'), 9);
  });

  test('a version recorded in another pipeline is rejected', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, before);
    const call = recorder.record(1, [processEvent(event('b', 1), event('a', 2))]);
    await assert.rejects(call, { code: 'RECORD_CONFLICT', attemptedVersion: 2, currentVersion: 2 });
    assert.deepEqual([await recorder.head(1), await recorder.notifications(1, 0, 10)], [0, []]);
    await assertUnchanged(recorder);
  });

  test('a version that occurs twice in one call is rejected', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, before);
    for (const call of [
      [processEvent(event('b', 1), event('b', 1))],
      [processEvent(event('b', 1), event('b', 2)), processEvent(event('b', 1))],
    ]) {
      await assert.rejects(recorder.record(0, call), {
        code: 'RECORD_CONFLICT',
        originatorId: 'b',
        attemptedVersion: 1,
        currentVersion: 0,
      });
    }
    await assertUnchanged(recorder);
  });
}

/** Moving positions. */
export function positions(test: Test): void {
  test('each upstream has a position, moved only from the expected one', async (storage) => {
    const recorder = await storage.open();
    assert.equal(await recorder.position(0, 'up'), 0);
    assert.equal(await recorder.record(0, [tracked('up', 0, 5), tracked('other', 0, 2)]), 0);
    await recorder.record(0, [tracked('up', 5, 6)]);
    assert.deepEqual([await recorder.position(0, 'up'), await recorder.position(0, 'other')], [6, 2]);
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
    assert.deepEqual([await recorder.position(0, 'up'), await recorder.position(0, 'new')], [6, 0]);
  });

  test('a position can be moved several times in a call', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [tracked('up', 0, 1, event('a', 1)), tracked('up', 1, 2, event('a', 2))]);
    assert.equal(await recorder.position(0, 'up'), 2);
    const twice = recorder.record(0, [
      tracked('up', 2, 3, event('a', 3)),
      tracked('up', 2, 3, event('a', 4)),
    ]);
    await assert.rejects(twice, { code: 'POSITION_CONFLICT', expected: 2, actual: 2 });
    assert.deepEqual([await recorder.position(0, 'up'), await recorder.head(0)], [2, 2]);
  });
}
