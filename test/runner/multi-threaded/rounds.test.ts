import { getEventListeners } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { MultiThreadedRunner, type Persistence } from 'kahn';
import { expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { storages } from '../../support/storages.ts';
import { watchWorkers } from '../../support/workers.ts';
import { heldReserving } from './held-shop.ts';

const patient = { timeout: 60_000, interval: 20 };

/** What this process has open, as far as the system and Node tell. */
function openNow() {
  const resources = process.getActiveResourcesInfo();
  const count = (kind: string) => resources.filter((resource) => resource === kind).length;
  return {
    threads: readdirSync('/proc/self/task').length,
    files: readdirSync('/proc/self/fd').length,
    ports: count('MessagePort'),
    timers: count('Timeout'),
    resources: resources.length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

/** Starts, uses and closes a runner so often. */
async function runRounds(persistence: Persistence, rounds: number, signal: AbortSignal): Promise<void> {
  const system = heldReserving.bind(persistence);
  for (let i = 0; i < rounds; i += 1) {
    await using runner = await MultiThreadedRunner.start(system, { signal, clockSpeed: 1_000 });
    await runner.get(Orders).place('ada');
    await runner.caughtUp({ signal });
  }
}

test.runIf(existsSync('/proc/self/task'))(
  'starting and closing again and again leaves nothing behind',
  { timeout: 240_000 },
  async () => {
    const { signal } = new AbortController();
    const workers = watchWorkers();
    // All at the same time, because a start keeps one core busy only.
    const all = storages.map(({ name, create }) => ({
      persistence: create(),
      rounds: name === 'postgres' ? 10 : 50,
    }));
    await Promise.all(all.map(({ persistence }) => runRounds(persistence, 2, signal)));
    const before = openNow();
    await Promise.all(all.map(({ persistence, rounds }) => runRounds(persistence, rounds, signal)));
    expect(workers.size).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    // Sockets end a little later than those who close them.
    await vi.waitFor(() => {
      const after = openNow();
      for (const [what, count] of Object.entries(before)) {
        expect(after[what as keyof typeof after], what).toBeLessThanOrEqual(count);
      }
    }, patient);
  },
);
