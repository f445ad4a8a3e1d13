import assert from 'node:assert/strict';
import type { StoredOperation } from '../../storage/index.ts';
import { event, snapshot, tracked } from './fixture.ts';
import type { Test } from './tested-storage.ts';

function operation(number: number): StoredOperation {
  const details = JSON.stringify({ number, 'é "x"\x1f': null });
  const reason = 'restored from the backup of 2 May\nby hand';
  return { timestamp: 1_700_000_000_000 + number, kind: 'reposition', by: 'ada 注文', reason, details };
}

/** The log of operations of an application. */
export function operations(test: Test): void {
  test('are recorded with everything else of a call, and read page by page', async (storage) => {
    const [recorder, other] = [await storage.open(), await storage.open()];
    assert.deepEqual(await recorder.operations(0, 10), []);
    const moved = { ...tracked('up', 0, 8, event('a', 1)), snapshots: [snapshot('a', 1)] };
    assert.equal(await recorder.record(3, [{ ...moved, operation: operation(1) }]), 1);
    assert.equal((await other.position(3, 'up')).position, 8);
    assert.equal(await other.record(0, [{ events: [], snapshots: [], operation: operation(2) }]), 0);
    const [third, fourth] = [operation(3), operation(4)];
    await recorder.record(3, [
      { ...tracked('up', 8, 2), operation: third },
      { events: [event('a', 2)], snapshots: [], operation: fourth },
    ]);
    const all = [1, 2, 3, 4].map((id) => ({ id, ...operation(id) }));
    for (const one of [recorder, other]) {
      assert.deepEqual(await one.operations(0, 10), all);
      assert.deepEqual(await one.operations(1, 2), all.slice(1, 3));
      assert.deepEqual(await one.operations(4, 10), []);
    }
    assert.deepEqual([await recorder.head(3), (await recorder.position(3, 'up')).position], [2, 2]);
  });

  test('are not recorded by a call that is rejected', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [tracked('up', 0, 3, event('a', 1))]);
    const stale = recorder.record(0, [{ ...tracked('up', 0, 1), operation: operation(1) }]);
    await assert.rejects(stale, { code: 'POSITION_CONFLICT', expected: 0, actual: 3 });
    const twice = recorder.record(0, [{ ...tracked('up', 3, 4, event('a', 1)), operation: operation(1) }]);
    await assert.rejects(twice, { code: 'RECORD_CONFLICT' });
    assert.deepEqual(await recorder.operations(0, 10), []);
    await recorder.record(0, [{ ...tracked('up', 3, 3), operation: operation(1) }]);
    assert.deepEqual(await recorder.operations(0, 10), [{ id: 1, ...operation(1) }]);
  });

  test('of concurrent calls have ids without gaps', async (storage) => {
    const recorders = [await storage.open(), await storage.open()];
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        recorders[index % 2]?.record(index, [{ events: [], snapshots: [], operation: operation(index) }]),
      ),
    );
    const found = await recorders[0]?.operations(0, 100);
    assert.deepEqual(
      found?.map(({ id }) => id),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    const numbers = found?.map(({ details }) => JSON.parse(details).number as number) ?? [];
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
  });
}
