import { deflateRawSync } from 'node:zlib';
import { memory } from 'kahn';
import { expect, test } from 'vitest';
import { limits } from '../../../src/storage/limits.ts';
import { storages } from '../../support/storages.ts';
import { ringOf } from './layers.ts';
import { eventOf, recorderOf, sealedRecorder } from './opened-recorders.ts';

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

test('a text that decompresses to more than a save may have is refused', async () => {
  const storage = memory();
  const bomb = `z1:${deflateRawSync(Buffer.alloc(128_000_001)).toString('base64url')}`;
  await (await recorderOf(storage, [])).record(0, [{ events: [eventOf(1, bomb)], snapshots: [] }]);
  const recorder = await sealedRecorder(storage, { compression: {} });
  await expect(recorder.notifications(0, 0, 10)).rejects.toMatchObject({ code: 'STORAGE_TAMPERED' });
});
