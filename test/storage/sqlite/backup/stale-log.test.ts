import { copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SingleThreadedRunner } from 'kahn';
import { backup } from 'kahn/sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../../examples/shop/orders.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import { openStorage } from '../../../../src/storage/storage.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { until } from '../../../support/until.ts';
import { expectWhole, fileIn } from './running-shop.ts';

/** Makes the file of a shop with `ada`, a copy of it, and the write-ahead log of `bob` that a killed process would leave. */
async function killedShop() {
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  const copy = fileIn(directory, 'copy.db');
  await using runner = await SingleThreadedRunner.start(shop.bind(storage));
  await runner.get(Orders).place('ada');
  await backup(storage, copy.path);
  await runner.get(Orders).place('bob');
  copyFileSync(`${storage.path}-wal`, join(directory, 'killed-wal'));
  return { storage, copy, killedLog: join(directory, 'killed-wal') };
}

test('a copy is refused while the write-ahead log of the file that it replaces is next to it', async () => {
  const { storage, copy, killedLog } = await killedShop();
  const log = `${storage.path}-wal`;
  copyFileSync(copy.path, storage.path);
  copyFileSync(killedLog, log);
  const refusal = {
    code: 'STORAGE_FOREIGN',
    message: expect.stringContaining(
      `it is a copy made by backup(), and SQLite would mix it with '${log}', which belongs to another file. ` +
        `Delete '${log}' and '${storage.path}-shm'.`,
    ),
  };
  await expect(SingleThreadedRunner.start(shop.bind(storage))).rejects.toMatchObject(refusal);
  await expect(backup(storage, `${copy.path}2`)).rejects.toMatchObject(refusal);
  expect(existsSync(log)).toBe(true);
  rmSync(log);
  expect(await expectWhole(storage)).toEqual(['ada']);
});

test('a copy that was opened has a write-ahead log of its own, and an empty one is no obstacle', async () => {
  const { copy } = await killedShop();
  writeFileSync(`${copy.path}-wal`, '');
  await using first = await SingleThreadedRunner.start(shop.bind(copy));
  await first.get(Orders).place('cy');
  await using second = await SingleThreadedRunner.start(shop.bind(fileIn(join(copy.path, '..'), 'copy.db')));
  const id = await second.get(Orders).place('dan');
  expect((await second.get(Orders).get(id)).done).toBe(true);
});

test('a copy of a copy is opened', async () => {
  const { copy } = await killedShop();
  const again = fileIn(temporaryDirectory(), 'again.db');
  await backup(copy, again.path);
  expect(await expectWhole(again)).toEqual(['ada']);
});

test('a copy that replaces a file in use is opened again, and has a write-ahead log of its own then', async () => {
  const { storage, copy } = await killedShop();
  const open = async () => {
    const opened = await openStorage(storage);
    const recorder = await opened.openRecorder({ applicationName: 'orders', setupTables: false });
    onTestFinished(() => recorder.close());
    return recorder;
  };
  const orders = await open();
  expect(await orders.head(0)).toBe(6);
  for (const end of ['', '-wal', '-shm']) renameSync(`${storage.path}${end}`, `${storage.path}.old${end}`);
  copyFileSync(copy.path, storage.path);
  await until('the copy is opened', async () => (await orders.head(0)) === 3);
  const event = { originatorId: 'a', originatorVersion: 1, type: 'Made', data: '{}', timestamp: 0 };
  await orders.record(0, [{ events: [event], snapshots: [] }]);
  expect(await (await open()).head(0)).toBe(4);
});
