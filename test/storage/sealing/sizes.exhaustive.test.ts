import { expect, test } from 'vitest';
import { limits } from '../../../src/storage/limits.ts';
import { storages } from '../../support/storages.ts';
import { ringOf } from './layers.ts';
import { eventOf, sealedRecorder } from './opened-recorders.ts';

for (const { name, create } of storages) {
  test(`the largest save is encrypted and read back on ${name}`, async () => {
    const recorder = await sealedRecorder(create(), { encryption: { keys: () => ringOf(1) } });
    const data = JSON.stringify('é'.repeat(limits.saveBytes / 2 - 1));
    expect(Buffer.byteLength(data)).toBe(limits.saveBytes);
    await recorder.record(0, [{ events: [eventOf(1, data)], snapshots: [] }]);
    const [notification] = await recorder.notifications(0, 0, 1);
    expect(notification?.data === data).toBe(true);
  });
}
