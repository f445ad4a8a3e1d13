import { describe, expect, test } from 'vitest';
import type { Recorder } from '../../src/storage/recorder.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { damagedStorages } from '../tracing/verification/damaged-storages.ts';

const causeOf = (notificationId: number) => ({ applicationName: 'up', pipelineId: 0, notificationId });

describe.each(damagedStorages.filter(({ name }) => name !== 'memory'))('causes in $name', ({ create }) => {
  test('keep their places behind missing notifications', async () => {
    const { storage, remove } = create();
    await using resources = new AsyncDisposableStack();
    const opened = await openStorage(storage);
    resources.defer(() => opened.close());
    const recorder: Recorder = await opened.openRecorder({ applicationName: 'orders', setupTables: true });
    resources.defer(() => recorder.close());
    const events = Array.from({ length: 10 }, (_, i) => ({
      originatorId: 'a',
      originatorVersion: i + 1,
      type: 'Changed',
      data: '{}',
      timestamp: 0,
      cause: causeOf(i + 1),
    }));
    await recorder.record(0, [{ events, snapshots: [] }]);
    for (const id of [1, 4, 5, 6, 10]) await remove({ applicationName: 'orders', id });

    const all = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((id) =>
      [1, 4, 5, 6].includes(id) ? undefined : causeOf(id),
    );
    expect(await recorder.causes(0, 0, 100)).toEqual(all);
    for (let after = 0; after < 10; after += 1) {
      for (let limit = 1; limit < 10; limit += 1) {
        expect(await recorder.causes(0, after, limit)).toEqual(all.slice(after, after + limit));
      }
    }
  });
});
