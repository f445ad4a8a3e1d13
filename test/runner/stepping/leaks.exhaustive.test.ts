import { getEventListeners } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import type { StorageDescription } from 'kahn';
import { expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { storages } from '../../support/storages.ts';
import { patient } from '../../support/until.ts';
import { watchWorkers } from '../../support/watchers/workers.ts';
import { heldReserving } from '../multi-threaded/held-shop.ts';
import { type Stepper, steppers } from './tick-log.ts';

/** Counts the open threads, files, timers and listeners of this process. */
function openNow() {
  const resources = process.getActiveResourcesInfo();
  return {
    threads: readdirSync('/proc/self/task').length,
    files: readdirSync('/proc/self/fd').length,
    resources: resources.length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

/** Starts, uses and closes a runner `rounds` times. */
async function runRounds(
  { start }: Stepper,
  storage: StorageDescription,
  rounds: number,
  signal: AbortSignal,
) {
  const system = heldReserving.bind(storage);
  for (let i = 0; i < rounds; i += 1) {
    await using runner = await start(system, { signal, scaleFactor: 0 });
    await runner.get(Orders).place('ada');
    await runner.caughtUp({ signal });
    await runner.pause();
    runner.callInFuture(() => runner.get(Orders).place('bob'));
    await runner.stepUntil(() => true, { signal });
  }
}

const roundsOf = { 'single-threaded': [50, 10], 'multi-threaded': [15, 5] } as const;

test.runIf(existsSync('/proc/self/task')).each(steppers)(
  'repeated starts and closes of the stepping $name runner leave no thread, file, timer or listener behind',
  async (stepper) => {
    const { signal } = new AbortController();
    const workers = watchWorkers();
    const [rounds, roundsOnPostgres] = roundsOf[stepper.name];
    const all = storages.map(({ name, create }) => ({
      storage: create(),
      rounds: name === 'postgres' ? roundsOnPostgres : rounds,
    }));
    const run = (how: (rounds: number) => number) =>
      Promise.all(all.map(({ storage, rounds }) => runRounds(stepper, storage, how(rounds), signal)));
    await run(() => 2);
    const before = openNow();
    await run((rounds) => rounds);
    expect(workers.size).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    // Sockets end a little after close() has resolved.
    await vi.waitFor(() => {
      const after = openNow();
      for (const [what, count] of Object.entries(before)) {
        expect(after[what as keyof typeof after], what).toBeLessThanOrEqual(count);
      }
    }, patient);
  },
);
