import assert from 'node:assert/strict';
import type { StoredEvent } from '../../storage/index.ts';
import { event, plain, processEvent, snapshot, tracked, versions } from './fixture.ts';
import type { Test } from './tested-storage.ts';

/** Creates an event without a place in the log. */
function unlisted(originatorId: string, originatorVersion: number): StoredEvent {
  return { ...event(originatorId, originatorVersion), notifiable: false };
}

/** Events with `notifiable: false`. */
export function unlistedEvents(test: Test): void {
  reading(test);
  conflicts(test);
  batches(test);
}

/** What logs and histories show. */
function reading(test: Test): void {
  test('are in the history, and take no id from the notifications', async (storage) => {
    const [recorder, other] = [await storage.open(), await storage.open()];
    const cause = { applicationName: 'up', pipelineId: 0, notificationId: 1 };
    assert.equal(await recorder.record(0, [processEvent(unlisted('a', 1), event('a', 2))]), 1);
    assert.equal(await other.record(0, [processEvent({ ...unlisted('a', 3), cause })]), 1);
    const last = processEvent({ ...unlisted('b', 1), cause }, { ...event('a', 4), cause }, unlisted('a', 5));
    assert.equal(await recorder.record(0, [processEvent(unlisted('c', 1)), last]), 2);
    for (const one of [recorder, other]) {
      assert.deepEqual(await one.notifications(0, 0, 10), [
        { id: 1, ...event('a', 2) },
        { id: 2, ...event('a', 4), cause },
      ]);
      assert.deepEqual(await one.notifications(0, 0, 10, 1), [{ id: 1, ...event('a', 2) }]);
      assert.deepEqual(await one.causes(0, 0, 10), [undefined, cause]);
      assert.deepEqual([await one.head(0), await one.logs()], [2, [{ pipelineId: 0, notificationId: 2 }]]);
      const [history] = await one.histories([{ originatorId: 'a', after: 0, useSnapshot: false }]);
      assert.deepEqual(
        history?.events.map(plain),
        [1, 2, 3, 4, 5].map((version) => event('a', version)),
      );
      assert.deepEqual(await versions(one, { originatorId: 'a', after: 2, upTo: 4 }), [3, 4]);
    }
  });

  test('are counted by type before the notifications', async (storage) => {
    const recorder = await storage.open();
    if (recorder.countTypes === undefined) return;
    const events = [unlisted('a', 1), event('a', 2), unlisted('a', 3), unlisted('a', 4), event('a', 5)];
    const types = ['X', 'A', 'Y', 'Z', 'B'];
    await recorder.record(0, [processEvent(...events.map((one, i) => ({ ...one, type: types[i] ?? '' })))]);
    const first = await recorder.countTypes(0, Number.MIN_SAFE_INTEGER, 2);
    assert.deepEqual([[...first.counts].toSorted(), first.last], [[['Y', 1], ['Z', 1]], -2]); // biome-ignore format: short
    const second = await recorder.countTypes(0, -2, 2);
    assert.deepEqual([[...second.counts].toSorted(), second.last], [[['A', 1], ['X', 1]], 1]); // biome-ignore format: short
    const third = await recorder.countTypes(0, 1, 2);
    assert.deepEqual([[...third.counts], third.last], [[['B', 1]], 2]);
  });

  test('are located without an id', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [processEvent(event('a', 1), unlisted('a', 2))]);
    await recorder.record(2_147_483_647, [processEvent(unlisted('b', 1), unlisted('a', 3))]);
    await recorder.record(0, [processEvent(unlisted('a', 4), event('a', 5))]);
    const keys = [1, 2, 3, 4, 5, 6].map((version) => event('a', version));
    const found = await recorder.locate([...keys, event('b', 1)]);
    assert.deepEqual(
      found.map((place) => place && [place.pipelineId, place.notificationId]),
      [[0, 1], [0, 0], [2_147_483_647, 0], [0, 0], [0, 2], undefined, [2_147_483_647, 0]],
    );
  });

  test('alone leave the log empty', async (storage) => {
    const recorder = await storage.open();
    const first = { ...tracked('up', 0, 3, unlisted('a', 1)), snapshots: [snapshot('a', 1)] };
    assert.equal(await recorder.record(7, [first]), 0);
    assert.equal(await recorder.record(7, [processEvent(unlisted('a', 2), unlisted('b', 1))]), 0);
    await recorder.close();
    const again = await storage.open();
    assert.deepEqual([await again.head(7), await again.logs()], [0, []]);
    assert.deepEqual([await again.notifications(7, 0, 10), await again.causes(7, 0, 10)], [[], []]);
    assert.equal((await again.position(7, 'up')).position, 3);
    const [history] = await again.histories([{ originatorId: 'a', after: 0, useSnapshot: true }]);
    assert.deepEqual([history?.snapshot, history?.events.map(plain)], [snapshot('a', 1), [event('a', 2)]]);
    assert.equal(await again.record(7, [processEvent(event('a', 3))]), 1);
    assert.deepEqual(await again.logs(), [{ pipelineId: 7, notificationId: 1 }]);
  });
}

/** Versions of events in and outside of the log. */
function conflicts(test: Test): void {
  test('have versions without gaps, like other events', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [processEvent(event('a', 1), unlisted('a', 2))]);
    for (const [wrong, currentVersion] of [
      [unlisted('a', 2), 2],
      [event('a', 2), 2],
      [unlisted('a', 4), 2],
      [unlisted('b', 2), 0],
    ] as const) {
      for (const pipelineId of [0, 1]) {
        const call = recorder.record(pipelineId, [
          tracked('up', 0, 1, unlisted('c', 1), event('c', 2)),
          processEvent(wrong, unlisted('c', 3)),
        ]);
        const { originatorId, originatorVersion: attemptedVersion } = wrong;
        await assert.rejects(call, {
          code: 'RECORD_CONFLICT',
          originatorId,
          attemptedVersion,
          currentVersion,
        });
        await assert.rejects(recorder.record(pipelineId, [processEvent(wrong)]), {
          code: 'RECORD_CONFLICT',
          currentVersion,
        });
      }
    }
    assert.deepEqual([await recorder.head(0), await recorder.head(1)], [1, 0]);
    assert.deepEqual(await versions(recorder, { originatorId: 'c' }), []);
    assert.equal((await recorder.position(0, 'up')).position, 0);
    assert.equal(await recorder.record(1, [processEvent(unlisted('a', 3), event('a', 4))]), 1);
    assert.equal(await recorder.record(0, [processEvent(unlisted('a', 5), event('a', 6))]), 2);
    assert.deepEqual(await versions(recorder, { originatorId: 'a' }), [1, 2, 3, 4, 5, 6]);
  });
}

/** Concurrent and large calls. */
function batches(test: Test): void {
  test('of concurrent calls leave no gaps between the notifications', async (storage) => {
    const recorders = [await storage.open(), await storage.open()];
    const heads = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        recorders[index % 2]?.record(0, [
          processEvent(unlisted(`a${index}`, 1), event(`a${index}`, 2)),
          processEvent(unlisted(`a${index}`, 3)),
        ]),
      ),
    );
    const ids = Array.from({ length: 40 }, (_, index) => index + 1);
    assert.deepEqual(
      heads.toSorted((left, right) => Number(left) - Number(right)),
      ids,
    );
    for (const recorder of recorders) {
      const log = await recorder.notifications(0, 0, 100);
      assert.deepEqual(
        log.map(({ id }) => id),
        ids,
      );
      assert.deepEqual(await versions(recorder, { originatorId: 'a39' }), [1, 2, 3]);
    }
  });

  test('may be thousands in a call', async (storage) => {
    const recorder = await storage.open();
    const mixed = Array.from({ length: 3_000 }, (_, index) => {
      const [originatorId, version] = [`a${index % 10}`, Math.floor(index / 10) + 1];
      return index % 3 === 0 ? event(originatorId, version) : unlisted(originatorId, version);
    });
    assert.equal(await recorder.record(0, [processEvent(...mixed)]), 1_000);
    const listed = mixed.filter(({ notifiable }) => notifiable !== false);
    assert.deepEqual(
      await recorder.notifications(0, 0, 5_000),
      listed.map((one, index) => ({ id: index + 1, ...one })),
    );
    assert.equal((await versions(recorder, { originatorId: 'a9' })).length, 300);
  });
}
