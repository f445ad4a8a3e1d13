import assert from 'node:assert/strict';
import { event, processEvent, snapshot, tracked, versions } from './fixture.ts';
import type { Test } from './tested-storage.ts';

/** Several recorders of one storage. */
export function sharing(test: Test): void {
  test('two recorders of an application write the same logs', async (storage) => {
    const first = await storage.open();
    const second = await storage.open();
    for (let version = 1; version <= 10; version += 2) {
      assert.equal(
        await first.record(0, [tracked('up', version - 1, version, event('a', version))]),
        version,
      );
      const stale = second.record(0, [tracked('up', version - 1, version, event(`b${version}`, 1))]);
      await assert.rejects(stale, { code: 'POSITION_CONFLICT', actual: version });
      await assert.rejects(second.record(0, [processEvent(event('a', version))]), {
        code: 'RECORD_CONFLICT',
      });
      const cause = { applicationName: 'up', pipelineId: 0, notificationId: version };
      const correlated = { ...event('a', version + 1), cause, correlationId: `command ${version}` };
      const next = tracked('up', version, version + 1, correlated);
      assert.equal(await second.record(0, [next]), version + 1);
    }
    await second.recordSnapshots([snapshot('a', 9)]);
    for (const recorder of [first, second]) {
      assert.deepEqual([await recorder.head(0), (await recorder.position(0, 'up')).position], [10, 10]);
      const log = await recorder.notifications(0, 0, 99);
      assert.deepEqual(
        log.map(({ id }) => id),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      );
      const ids = (await recorder.causes(0, 0, 99)).map((cause) => cause?.notificationId ?? 0);
      assert.deepEqual(ids, [0, 1, 0, 3, 0, 5, 0, 7, 0, 9]);
      assert.equal(log.at(-1)?.correlationId, 'command 9');
      assert.deepEqual(await recorder.logs(), [{ pipelineId: 0, notificationId: 10 }]);
      assert.deepEqual(await recorder.positions(), [
        { pipelineId: 0, upstreamName: 'up', position: 10, typesVersion: 0 },
      ]);
      assert.deepEqual(await versions(recorder, { originatorId: 'a', useSnapshot: true }), [10]);
    }
    await first.close();
    assert.equal(await second.head(0), 10);
  });

  test('concurrent calls of two recorders leave no gaps and lose no events', async (storage) => {
    const recorders = [await storage.open(), await storage.open()];
    const calls = Array.from({ length: 40 }, (_, index) =>
      recorders[index % 2]?.record(0, [processEvent(event(`a${index}`, 1), event(`a${index}`, 2))]),
    );
    const heads = (await Promise.all(calls)).toSorted((left, right) => Number(left) - Number(right));
    assert.deepEqual(
      heads,
      Array.from({ length: 40 }, (_, index) => 2 * index + 2),
    );
  });

  test('applications share no data', async (storage) => {
    const orders = await storage.open('orders');
    const payments = await storage.open('payments');
    await orders.record(0, [{ ...tracked('up', 0, 1, event('a', 1)), snapshots: [snapshot('a', 1)] }]);
    assert.deepEqual([await payments.head(0), (await payments.position(0, 'up')).position], [0, 0]);
    assert.deepEqual([await payments.logs(), await payments.positions()], [[], []]);
    assert.equal(await payments.record(0, [processEvent(event('a', 1))]), 1);
    assert.deepEqual(await versions(payments, { originatorId: 'a', useSnapshot: true }), [1]);
  });
}

/** Opening, closing and opening again. */
export function opening(test: Test): void {
  test('recorded data is there after the storage is opened again', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(3, [
      { ...tracked('up', 0, 8, event('a', 1), event('a', 2)), snapshots: [snapshot('a', 1)] },
    ]);
    await recorder.close();
    const again = await storage.open('orders', false);
    assert.deepEqual([await again.head(3), (await again.position(3, 'up')).position], [2, 8]);
    assert.deepEqual(await again.notifications(3, 1, 9), [{ id: 2, ...event('a', 2) }]);
    assert.deepEqual(await versions(again, { originatorId: 'a', useSnapshot: true }), [2]);
    assert.equal(await again.record(3, [tracked('up', 8, 9, event('a', 3))]), 3);
  });

  test('an application that is not set up is not opened with setupTables: false', async (storage) => {
    const refused = {
      name: 'StorageError',
      code: 'STORAGE_NOT_SET_UP',
      applicationName: 'orders',
      transient: true,
    };
    await assert.rejects(storage.open('orders', false), refused);
    await assert.rejects(storage.open('orders', false), refused);
    await storage.open('payments');
    await assert.rejects(storage.open('orders', false), refused);
  });

  test('a closed recorder rejects every call but close()', async (storage) => {
    const recorder = await storage.open();
    await recorder.close();
    await recorder.close();
    const calls = [
      () => recorder.record(0, [processEvent(event('a', 1))]),
      () => recorder.record(0, []),
      () => recorder.histories([]),
      () => recorder.locate([]),
      () => recorder.notifications(0, 0, 1),
      () => recorder.causes(0, 0, 1),
      () => recorder.head(0),
      () => recorder.position(0, 'up'),
      () => recorder.logs(),
      () => recorder.positions(),
      () => recorder.recordHandledTypes(0, 'up', 0, []),
      () => recorder.operations(0, 1),
      () => recorder.recordSnapshots([]),
    ];
    for (const call of calls) {
      await assert.rejects(call(), {
        name: 'StorageError',
        code: 'STORAGE_CLOSED',
        applicationName: 'orders',
      });
    }
    assert.equal(await (await storage.open()).head(0), 0);
  });
}
