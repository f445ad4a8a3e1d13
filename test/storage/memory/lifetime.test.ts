import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memory } from 'kahn';
import { expect, it, vi } from 'vitest';
import { type OpenedStorage, openStorage, type StorageDescription } from '../../../src/storage/storage.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const orders = { applicationName: 'orders', setupTables: true };

async function canOpen(storage: StorageDescription): Promise<boolean> {
  const openedStorage = await openStorage(storage);
  return openedStorage.openRecorder(orders).then(
    () => true,
    () => false,
  );
}

it('has separate data at each call', async () => {
  const [first, second] = [memory(), memory()];
  const recorder = await (await openStorage(first)).openRecorder(orders);
  await recorder.record(0, [
    { events: [], snapshots: [], tracking: { upstreamName: 'up', expected: 0, position: 1 } },
  ]);
  expect((await (await (await openStorage(second)).openRecorder(orders)).position(0, 'up')).position).toBe(0);
  expect(
    (await (await (await openStorage(structuredClone(first))).openRecorder(orders)).position(0, 'up'))
      .position,
  ).toBe(1);
});

it('is rejected in another thread, with the reason', async () => {
  const { module } = memory();
  const openedStorage = await openStorage({ module, options: { id: 'made elsewhere' } });
  await expect(openedStorage.openRecorder(orders)).rejects.toMatchObject({
    code: 'STORAGE_MISSING',
    applicationName: 'orders',
    message: expect.stringContaining('created in another thread or process'),
  });
});

it('is freed with its description unless it is open', async () => {
  let description: StorageDescription | undefined = memory();
  const clone = structuredClone(description);
  let openedStorage: OpenedStorage | undefined = await openStorage(description);
  description = undefined;
  for (let round = 0; round < 5; round += 1) {
    collectGarbage();
    await new Promise(setImmediate);
  }
  expect(await canOpen(clone)).toBe(true);
  expect(openedStorage).toBeDefined();
  openedStorage = undefined;
  await vi.waitFor(async () => {
    collectGarbage();
    await new Promise(setImmediate);
    expect(await canOpen(clone)).toBe(false);
  });
});

it('is kept alive by its description', async () => {
  const description = memory();
  await (await (await openStorage(description)).openRecorder(orders)).close();
  for (let round = 0; round < 5; round += 1) {
    collectGarbage();
    await new Promise(setImmediate);
  }
  const openedStorage = await openStorage(description);
  await expect(openedStorage.openRecorder({ ...orders, setupTables: false })).resolves.toBeDefined();
});
