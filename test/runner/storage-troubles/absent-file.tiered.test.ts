import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchProcesses } from '../../support/watchers/processes.ts';
import { isComplete, isInterrupted, runners, statusOf } from './troubled-shop.ts';

/** Moves the file of the reservations from one directory to another. */
function move(from: string, to: string): void {
  for (const end of ['', '-wal', '-shm']) {
    const name = `reservations.sqlite${end}`;
    if (existsSync(join(from, name))) renameSync(join(from, name), join(to, name));
  }
}

const gone = { code: 'STORAGE_MISSING', transient: true, applicationName: 'reservations' };
const [single, threads, processes, stepping, steppingThreads] = runners;

describe.each(byTier([threads!], [single!, processes!, stepping!, steppingThreads!]))(
  '$name',
  ({ start }) => {
    test('retries while the file of an application is gone', async () => {
      const [directory, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
      const events = watchRunners();
      await using runner = await start(sqlite({ directory, synchronous: 'NORMAL' }));
      await runner.get(Orders).place('ada');
      await runner.caughtUp();
      move(directory, elsewhere);
      await until('the file is missed', () =>
        runner.status().then((all) => all[1]!.upstreams.length === 0 && all[1]!.lastError !== undefined),
      );
      const placing = runner.get(Orders).place('bob'); // on one thread, resolves when its followers are done
      await isInterrupted(runner, 'reservations', gone);
      const { upstreams } = await statusOf(runner, 'reservations');
      expect(upstreams).toEqual([]); // positions cannot be read
      move(elsewhere, directory);
      await placing;
      await isComplete(runner, 2);
      expect(events.filter(({ kind }) => kind === 'failed')).toEqual([]);
    });
  },
);

test('a worker that cannot open its storage is retried as interrupted, more often than one that crashes', async () => {
  const [directory, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
  const events = watchRunners();
  const workers = watchProcesses();
  await using runner = await processes!.start(sqlite({ directory, synchronous: 'NORMAL' }));
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  move(directory, elsewhere);
  for (const { pid } of workers) process.kill(pid!, 'SIGKILL');
  const notThere = { ...gone, code: 'STORAGE_NOT_SET_UP' };
  await isInterrupted(runner, 'reservations', notThere, byTier(2, 7));
  move(elsewhere, directory);
  await runner.get(Orders).place('bob');
  await isComplete(runner, 2);
  expect(events.filter(({ kind }) => kind === 'failed')).toEqual([]);
});
