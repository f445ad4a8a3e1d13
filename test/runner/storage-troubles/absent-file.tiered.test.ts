import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
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
      // A file that is gone may be missed a second later. On one thread, place() resolves when its followers are done.
      const placing: Promise<unknown>[] = [];
      await until('the file is missed', async () => {
        if (placing.length < 100) placing.push(runner.get(Orders).place('bob'));
        await delay(50);
        const { interruption, upstreams } = await statusOf(runner, 'reservations');
        return interruption !== undefined && upstreams.length === 0; // positions cannot be read
      });
      await isInterrupted(runner, 'reservations', gone);
      move(elsewhere, directory);
      await Promise.all(placing);
      await isComplete(runner, 1 + placing.length);
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
