import assert from 'node:assert/strict';
import type { ProcessEvent, Recorder } from '../../storage/index.ts';
import { event, processEvent, snapshot, tracked, versions } from './fixture.ts';
import type { Test } from './tested-storage.ts';

const before = [tracked('up', 0, 3, event('a', 1), event('a', 2))];

/** Checks that only `before` is recorded, and that more can be recorded. */
async function assertUnchanged(recorder: Recorder): Promise<void> {
  assert.equal(await recorder.head(0), 2);
  assert.equal((await recorder.notifications(0, 0, 10)).length, 2);
  assert.deepEqual(await versions(recorder, { originatorId: 'a' }), [1, 2]);
  assert.deepEqual(await versions(recorder, { originatorId: 'b' }), []);
  const [history] = await recorder.histories([{ originatorId: 'b', after: 0, useSnapshot: true }]);
  assert.equal(history?.snapshot, undefined);
  assert.deepEqual(
    [(await recorder.position(0, 'up')).position, (await recorder.position(0, 'other')).position],
    [3, 0],
  );
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

/** Single events that conflict by version or position. */
export function wrongVersions(test: Test): void {
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
    assert.equal((await recorder.position(0, 'up')).position, 9);
  });
}
