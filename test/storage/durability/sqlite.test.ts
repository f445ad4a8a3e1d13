import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { oneFile, type SqliteLayout, sqliteLayouts, temporaryDirectory } from '../../support/storages.ts';
import { until } from '../../support/until.ts';
import { changes } from '../postgres/faults/commit-scene.ts';
import { commitsIn, committingShop } from './committing-shop.ts';

const runners = [
  SingleThreadedRunner,
  MultiThreadedRunner,
  MultiprocessRunner,
  SteppingSingleThreadedRunner,
  SteppingMultiThreadedRunner,
] as const;

/** Values of `pragma synchronous`, https://sqlite.org/pragma.html#pragma_synchronous */
const full = 2;
const normal = 1;

/** Returns the levels with which a runner commits while an order is processed, such as `shop.db 2`. */
async function levelsOf(
  { start }: (typeof runners)[number],
  { optionsIn }: SqliteLayout,
  options: { synchronous?: 'NORMAL' } = {},
) {
  const directory = temporaryDirectory();
  const storage = sqlite({ ...optionsIn(directory), ...options });
  await using runner = await start(committingShop, { storage });
  writeFileSync(commitsIn(directory), ''); // without the commits that created the tables
  const id = await runner.get(Orders).place('ada');
  await runner.caughtUp();
  expect((await runner.get(Orders).get(id)).done).toBe(true);
  return [...new Set(readFileSync(commitsIn(directory), 'utf8').trim().split('\n'))].sort();
}

const files = {
  file: ['shop.db'],
  directory: ['orders.sqlite', 'payments.sqlite', 'reservations.sqlite'],
} as const;

test.each(runners.map((runner) => [runner.name, runner] as const))(
  'every commit is durable by default, in all threads and processes of %s',
  async (_name, runner) => expect(await levelsOf(runner, oneFile)).toEqual([`shop.db ${full}`]),
);

test.each(sqliteLayouts)(
  'commits with sqlite({ $name }) are less durable only if the option says so',
  async (layout) => {
    const levels = (level: number) => files[layout.name].map((file) => `${file} ${level}`);
    expect(await levelsOf(SingleThreadedRunner, layout)).toEqual(levels(full));
    expect(await levelsOf(SingleThreadedRunner, layout, { synchronous: 'NORMAL' })).toEqual(levels(normal));
  },
);

test('a file that was replaced is opened again with the same durability', async () => {
  const directory = temporaryDirectory();
  const { path } = oneFile.fileOf(directory, 'orders');
  const storage = await openStorage(sqlite({ ...oneFile.optionsIn(directory), synchronous: 'NORMAL' }));
  const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
  await recorder.close();
  copyFileSync(path, join(directory, 'copy'));
  const again = await storage.openRecorder({ applicationName: 'orders', setupTables: false });
  onTestFinished(() => again.close());
  await again.record(0, [changes('a')]);
  renameSync(join(directory, 'copy'), path);
  for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  writeFileSync(commitsIn(directory), '');
  await until('the copy is open', async () => (await again.head(0)) === 0);
  await again.record(0, [changes('b')]);
  expect(new Set(readFileSync(commitsIn(directory), 'utf8').trim().split('\n'))).toEqual(
    new Set([`shop.db ${normal}`]),
  );
});
