import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { SingleThreadedRunner } from 'kahn';
import { type BackupProgress, backup, sqlite } from 'kahn/sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../../examples/shop/orders.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { customersIn, expectWhole, fileIn, fill } from './running-shop.ts';

test('a copy is a single file, which is read without writing next to it', async () => {
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  await using runner = await SingleThreadedRunner.start(shop.bind(storage));
  await runner.get(Orders).place('ada');
  const elsewhere = temporaryDirectory();
  const path = join(elsewhere, 'copy.db');
  await backup(storage, path);
  expect(readdirSync(elsewhere)).toEqual(['copy.db']);
  using copy = new DatabaseSync(path, { readOnly: true });
  expect(copy.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'delete' });
  expect(copy.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' });
  expect(copy.prepare('select count(*) as n from events_orders').get()).toEqual({ n: 3 });
  expect(readdirSync(elsewhere)).toEqual(['copy.db']);
});

test('a runner continues from a copy, and a copy of a copy is the same', async () => {
  const directory = temporaryDirectory();
  const [first, second] = [fileIn(directory, 'first.db'), fileIn(directory, 'second.db')];
  {
    await using runner = await SingleThreadedRunner.start(shop.bind(fileIn(directory)));
    for (const customer of ['ada', 'bob']) await runner.get(Orders).place(customer);
    await backup(fileIn(directory), first.path);
    await runner.get(Orders).place('cy');
  }
  await backup(first, second.path);
  expect(await expectWhole(second)).toEqual(['ada', 'bob']);
  await using runner = await SingleThreadedRunner.start(shop.bind(first));
  const id = await runner.get(Orders).place('dan');
  expect((await runner.get(Orders).get(id)).done).toBe(true);
  expect(await customersIn(runner)).toEqual(['ada', 'bob', 'dan']);
});

test('reports the pages, and does not block the thread', async () => {
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  await using _runner = await SingleThreadedRunner.start(shop.bind(storage));
  fill(storage, 40);
  const progress: BackupProgress[] = [];
  const turns = monitorEventLoopDelay({ resolution: 1 });
  turns.enable();
  await backup(storage, join(directory, 'copy.db'), { onProgress: (one) => progress.push(one) });
  turns.disable();
  const { totalPages } = progress.at(-1)!;
  expect(totalPages).toBeGreaterThan(9_000);
  const expected = Array.from({ length: Math.floor(totalPages / 2_048) }, (_, i) => (i + 1) * 2_048);
  expect(progress.map(({ copiedPages }) => copiedPages)).toEqual([...expected, totalPages]);
  expect(progress.every((one) => one.totalPages === totalPages)).toBe(true);
  expect(turns.percentile(50) / 1e6).toBeLessThan(20);
});

test('an abort leaves neither a copy nor a temporary file', async () => {
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  await using _runner = await SingleThreadedRunner.start(shop.bind(storage));
  fill(storage, 40);
  const files = () => readdirSync(directory).filter((name) => !name.startsWith('shop.db'));
  const copy = join(directory, 'copy.db');
  const reason = new Error('enough');
  for (const step of [1, 4, Infinity]) {
    const controller = new AbortController();
    let steps = 0;
    const onProgress = ({ copiedPages, totalPages }: BackupProgress) => {
      if (steps === 1)
        expect(files()).toContainEqual(expect.stringMatching(/^copy\.db\.[0-9a-f]{8}\.unfinished$/));
      steps += 1;
      if (steps === step || copiedPages === totalPages) controller.abort(reason);
    };
    const { signal } = controller;
    await expect(backup(storage, copy, { signal, onProgress })).rejects.toBe(reason);
    expect(files()).toEqual([]);
  }
  await expect(backup(storage, copy, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const onProgress = () => {
    throw reason;
  };
  await expect(backup(storage, copy, { onProgress })).rejects.toBe(reason);
  expect(files()).toEqual([]);
});

test('an abort ends the wait for a file that another program has locked', async () => {
  const directory = temporaryDirectory();
  const storage = sqlite({ file: join(directory, 'shop.db'), busyTimeoutMs: 600_000 });
  await (await SingleThreadedRunner.start(shop.bind(storage))).close();
  using other = new DatabaseSync(join(directory, 'shop.db'));
  other.exec('pragma locking_mode = exclusive; begin exclusive');
  const controller = new AbortController();
  const copying = backup(storage, join(directory, 'copy.db'), { signal: controller.signal });
  const reason = new Error('enough');
  setTimeout(() => controller.abort(reason), 20);
  await expect(copying).rejects.toBe(reason);
});

test('a full disk leaves nothing', async ({ skip }) => {
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  await using runner = await SingleThreadedRunner.start(shop.bind(storage));
  fill(storage, 3);
  const small = join(directory, 'small');
  mkdirSync(small);
  if (spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]).status !== 0) skip();
  onTestFinished(() => void spawnSync('/bin/umount', ['--lazy', small]));
  await expect(backup(storage, join(small, 'copy.db'))).rejects.toMatchObject({
    code: 'STORAGE_FULL',
    message: expect.stringContaining(`as a backup of '${storage.path}': the disk is full`),
  });
  expect(readdirSync(small)).toEqual([]);
  await runner.get(Orders).place('ada'); // the system does not notice
  await backup(storage, join(directory, 'copy.db'));
});

test('a directory that cannot be written is refused', async ({ skip }) => {
  if (process.getuid?.() === 0) skip();
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  await using _runner = await SingleThreadedRunner.start(shop.bind(storage));
  const closed = join(directory, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0o500);
  await expect(backup(storage, join(closed, 'copy.db'))).rejects.toMatchObject({
    code: 'STORAGE_UNWRITABLE',
  });
});

test('a file that appears at the target meanwhile is kept', async () => {
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  await using _runner = await SingleThreadedRunner.start(shop.bind(storage));
  const path = join(directory, 'copy.db');
  const onProgress = () => writeFileSync(path, 'mine');
  await expect(backup(storage, path, { onProgress })).rejects.toMatchObject({ code: 'BACKUP_EXISTS', path });
  expect(readFileSync(path, 'utf8')).toBe('mine');
  expect(existsSync(`${path}-journal`)).toBe(false);
  expect(readdirSync(directory).filter((name) => name.endsWith('.unfinished'))).toEqual([]);
});

test('of several backups to one target, one succeeds', async () => {
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  await using _runner = await SingleThreadedRunner.start(shop.bind(storage));
  for (let i = 0; i < 20; i++) {
    const path = join(directory, `copy-${i}.db`);
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => backup(storage, path)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reason = expect.objectContaining({ code: 'BACKUP_EXISTS', path });
    expect(results.filter(({ status }) => status === 'rejected')).toEqual(
      Array.from({ length: 3 }, () => ({ status: 'rejected', reason })),
    );
  }
});

test('leaves a single file if the system is closed before or while it is copied', async () => {
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  const runner = await SingleThreadedRunner.start(shop.bind(storage));
  await runner.get(Orders).place('ada');
  fill(storage, 40);
  let closed: Promise<void> | undefined;
  await backup(storage, join(temporaryDirectory(), 'copy.db'), {
    onProgress: () => {
      closed ??= runner.close();
    },
  });
  await closed;
  expect(readdirSync(directory)).toEqual(['shop.db']);
  await backup(storage, join(temporaryDirectory(), 'copy.db'));
  expect(readdirSync(directory)).toEqual(['shop.db']);
  expect(await expectWhole(storage)).toEqual(['ada']);
});
