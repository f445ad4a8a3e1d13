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
import { isComplete, isInterrupted, runners, type Shop, statusOf } from './troubled-shop.ts';

/** Moves the file of the reservations from one directory to another. */
function move(from: string, to: string): void {
  for (const end of ['', '-wal', '-shm']) {
    const name = `reservations.sqlite${end}`;
    if (existsSync(join(from, name))) renameSync(join(from, name), join(to, name));
  }
}

/** Name of an application that is interrupted: the one whose file is gone, or one that follows it. */
async function interruptedIn(runner: Shop): Promise<string> {
  const interrupted = (await runner.status()).find(({ interruption }) => interruption !== undefined);
  return interrupted?.applicationName ?? '';
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
      let interrupted = '';
      await until('the file is missed', async () => {
        if (placing.length < 100) placing.push(runner.get(Orders).place('bob'));
        await delay(50);
        interrupted = await interruptedIn(runner);
        const { upstreams } = await statusOf(runner, 'reservations');
        return interrupted !== '' && upstreams.length === 0; // positions cannot be read
      });
      await isInterrupted(runner, interrupted, gone);
      move(elsewhere, directory);
      await Promise.all(placing);
      await isComplete(runner, 1 + placing.length);
      expect(events.filter(({ kind }) => kind === 'failed')).toEqual([]);
    });
  },
);

test('a tick without events tells that a log cannot be compared', async () => {
  const [directory, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
  await using runner = await stepping!.start(sqlite({ directory, synchronous: 'NORMAL' }));
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  move(directory, elsewhere);
  await isInterrupted(runner, 'orders', gone); // orders follow reservations
  move(elsewhere, directory);
  await isComplete(runner, 1);
});

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
