import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Recorder, WriteLock } from '../../../storage/index.ts';
import { event, processEvent, tracked, versions } from '../fixture.ts';
import type { Test, TestedStorage } from '../tested-storage.ts';

type LockTest = (
  name: string,
  body: (storage: TestedStorage, lock: Required<Recorder>['lock'], recorder: Recorder) => Promise<void>,
) => void;

/** Records under the write lock. */
export function locking(test: Test): void {
  const testLock: LockTest = (name, body) =>
    test(name, async (storage) => {
      const recorder = await storage.open();
      const take = () => recorder.lock?.() as Promise<WriteLock>;
      await body(storage, take, recorder);
    });
  holding(testLock);
  releasing(testLock);
}

/** What happens while the lock is held. */
function holding(testLock: LockTest): void {
  testLock(
    'other calls wait for the lock, in the order of the calls, and reads do not',
    async (storage, take) => {
      const recorder = await storage.open();
      const same = await storage.open();
      await recorder.record(0, [processEvent(event('a', 1))]);
      const lock = await take();
      const order: string[] = [];
      const waiting = [recorder, same].flatMap((one, i) => [
        one.record(0, [processEvent(event(`b${i}`, 1))]).then(() => order.push(`b${i} 1`)),
        one.record(1, [processEvent(event(`b${i}`, 2))]).then(() => order.push(`b${i} 2`)),
      ]);
      assert.deepEqual(await versions(recorder, { originatorId: 'a' }), [1]);
      assert.equal((await recorder.notifications(0, 0, 10)).length, 1);
      assert.deepEqual(await recorder.locate([{ originatorId: 'a', originatorVersion: 1 }]), [
        { pipelineId: 0, notificationId: 1 },
      ]);
      await delay(50);
      assert.deepEqual([order, await same.head(0)], [[], 1]);
      assert.equal(await lock.record(0, [tracked('up', 0, 1, event('a', 2))]), 2);
      await Promise.all(waiting);
      assert.deepEqual(
        [await recorder.head(0), await recorder.head(1), (await recorder.position(0, 'up')).position],
        [4, 2, 1],
      );
      assert.deepEqual(
        order.filter((one) => one.startsWith('b0')),
        ['b0 1', 'b0 2'],
      );
      await lock.release();
    },
  );
}

/** The ends of a lock. */
function releasing(testLock: LockTest): void {
  testLock('a conflict under the lock releases it, and nothing is recorded', async (storage, take) => {
    const recorder = await storage.open();
    await recorder.record(0, [tracked('up', 0, 1, event('a', 1))]);
    for (const [conflicting, code] of [
      [tracked('up', 1, 2, event('b', 1), event('a', 1)), 'RECORD_CONFLICT'],
      [tracked('up', 0, 2, event('b', 1)), 'POSITION_CONFLICT'],
    ] as const) {
      const lock = await take();
      await assert.rejects(lock.record(0, [conflicting]), { code });
    }
    assert.equal(await recorder.record(0, [tracked('up', 1, 2, event('b', 1))]), 2);
  });

  testLock('a released lock records nothing, and can be taken again', async (storage, take) => {
    const recorder = await storage.open();
    const lock = await take();
    await lock.release();
    await lock.release();
    assert.equal(await recorder.record(0, [processEvent(event('a', 1))]), 1);
    const again = await take();
    const next = take();
    assert.equal(await again.record(0, [processEvent(event('a', 2))]), 2);
    assert.equal(await (await next).record(0, [processEvent(event('a', 3))]), 3);
  });

  testLock('closing a recorder releases its lock', async (storage, take, recorder) => {
    const other = await storage.open();
    await take();
    const waiting = other.record(0, [processEvent(event('a', 1))]);
    await recorder.close();
    assert.equal(await waiting, 1);
  });
}
