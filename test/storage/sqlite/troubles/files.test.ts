import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ProcessEvent, Recorder } from '../../../../src/storage/recorder.ts';
import { openStorage } from '../../../../src/storage/storage.ts';
import { sqliteLayouts, temporaryDirectory } from '../../../support/storages.ts';
import { until } from '../../../support/until.ts';

function changed(originatorId: string, data = '{}'): ProcessEvent {
  const event = { originatorId, originatorVersion: 1, type: 'Changed', data, timestamp: 1_700_000_000_000 };
  return { events: [event], snapshots: [] };
}

/** Resolves with the first error of a call that is repeated. */
async function failureOf(call: () => Promise<unknown>): Promise<unknown> {
  let failure: unknown;
  await until('the call fails', () =>
    call().then(
      () => false,
      (error) => {
        failure = error;
        return true;
      },
    ),
  );
  return failure;
}

const gone = {
  code: 'STORAGE_MISSING',
  transient: true,
  applicationName: 'orders',
  message: expect.stringContaining('Mount its disk or restore it'),
};

function mount(directory: string): boolean {
  const options = ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory];
  return spawnSync('/bin/mount', options).status === 0;
}

describe.each(sqliteLayouts)('sqlite({ $name })', ({ optionsIn, fileOf }) => {
  const pathIn = (directory: string) => fileOf(directory, 'orders').path;
  const { events } = fileOf('any', 'orders').tables;

  async function openOrders(directory: string): Promise<Recorder> {
    const storage = await openStorage(sqlite({ ...optionsIn(directory), synchronous: 'NORMAL' }));
    const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
    onTestFinished(() => recorder.close());
    return recorder;
  }

  /** Moves the file of the orders, with its log, from one directory to another. */
  function move(from: string, to: string): void {
    for (const end of ['', '-wal', '-shm']) {
      const [source, target] = [from, to].map((directory) => `${pathIn(directory)}${end}`);
      if (existsSync(source!)) renameSync(source!, target!);
    }
  }

  it('a file that is moved away is missed within a second, and used again when it is back', async () => {
    const [directory, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
    const recorder = await openOrders(directory);
    await recorder.record(0, [changed('a')]);
    move(directory, elsewhere);
    expect(await failureOf(() => recorder.head(0))).toMatchObject(gone);
    await expect(recorder.record(0, [changed('b')])).rejects.toMatchObject(gone);
    expect(existsSync(pathIn(directory))).toBe(false);
    move(elsewhere, directory);
    expect(await recorder.record(0, [changed('b')])).toBe(2);
    expect(await (await openOrders(directory)).head(0)).toBe(2);
  });

  it('a directory that is gone, as without its mount, is used again when it is back', async () => {
    const [directory, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
    const recorder = await openOrders(directory);
    await recorder.record(0, [changed('a')]);
    move(directory, elsewhere);
    rmSync(directory, { recursive: true });
    expect(await failureOf(() => recorder.head(0))).toMatchObject({
      code: 'STORAGE_MISSING',
      transient: true,
    });
    mkdirSync(directory);
    expect(await failureOf(() => recorder.head(0))).toMatchObject(gone);
    move(elsewhere, directory);
    expect(await recorder.record(0, [changed('b')])).toBe(2);
  });

  it('a file that is replaced is opened in its place', async () => {
    const [directory, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
    const other = await openOrders(elsewhere);
    await other.record(0, [changed('x'), changed('y')]);
    await other.close();
    const recorder = await openOrders(directory);
    await recorder.record(0, [changed('a')]);
    rmSync(`${pathIn(directory)}-wal`);
    rmSync(`${pathIn(directory)}-shm`);
    copyFileSync(pathIn(elsewhere), join(directory, 'copy'));
    renameSync(join(directory, 'copy'), pathIn(directory));
    await until('the new file is read', async () => (await recorder.head(0)) === 2);
    expect(await recorder.record(0, [changed('z')])).toBe(3);
    using database = new DatabaseSync(pathIn(directory), { readOnly: true });
    expect(database.prepare(`select count(*) as n from ${events}`).get()).toEqual({ n: 3 });
  });

  it('a file that is replaced by a foreign one is not touched', async () => {
    const directory = temporaryDirectory();
    const recorder = await openOrders(directory);
    await recorder.record(0, [changed('a')]);
    rmSync(`${pathIn(directory)}-wal`);
    rmSync(`${pathIn(directory)}-shm`);
    writeFileSync(join(directory, 'diary'), 'dear diary, '.repeat(1_000));
    renameSync(join(directory, 'diary'), pathIn(directory));
    expect(await failureOf(() => recorder.head(0))).toMatchObject({
      code: 'STORAGE_FOREIGN',
      transient: false,
    });
  });

  it('a full disk refuses a call as a whole, and the next one works once there is room', async ({ skip }) => {
    const directory = temporaryDirectory();
    if (!mount(directory)) skip();
    onTestFinished(() => void spawnSync('/bin/umount', ['--lazy', directory]));
    const recorder = await openOrders(directory);
    await recorder.record(0, [changed('a')]);
    writeFileSync(join(directory, 'other'), Buffer.alloc(2_000));
    const big = JSON.stringify('x'.repeat(2_000_000));
    const full = {
      code: 'STORAGE_FULL',
      transient: true,
      message: expect.stringContaining('Nothing of this call'),
    };
    await expect(recorder.record(0, [changed('b'), changed('c', big)])).rejects.toMatchObject(full);
    await expect(recorder.record(0, [changed('c', big)])).rejects.toMatchObject(full);
    rmSync(join(directory, 'other'));
    expect(await recorder.record(0, [changed('b')])).toBe(2);
    expect(await recorder.notifications(0, 0, 9)).toHaveLength(2);
  });

  it('a call under the write lock that finds no file releases the lock', async () => {
    const [directory, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
    const recorder = await openOrders(directory);
    const lock = await recorder.lock!();
    move(directory, elsewhere);
    await failureOf(() => recorder.head(0));
    await expect(lock.record(0, [changed('a')])).rejects.toMatchObject(gone);
    move(elsewhere, directory);
    expect(await recorder.record(0, [changed('a')])).toBe(1);
  });
});
