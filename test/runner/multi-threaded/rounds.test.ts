import { getEventListeners } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { MultiThreadedRunner } from 'kahn';
import { describe, expect, test, vi } from 'vitest';
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

describe.runIf(existsSync('/proc/self/task'))('starting and closing again and again', () => {
  test.each(storages)('leaves nothing behind on $name', { timeout: 240_000 }, async ({ name, create }) => {
    const persistence = create();
    const { signal } = new AbortController();
    const workers = watchWorkers();
    const round = async () => {
      const options = { persistence, signal, clockSpeed: 1_000 };
      await using runner = await MultiThreadedRunner.start(heldReserving, options);
      await runner.get(Orders).place('ada');
      await runner.caughtUp({ signal });
    };
    await round();
    await round();
    const before = openNow();
    const rounds = name === 'postgres' ? 10 : 50;
    for (let i = 0; i < rounds; i += 1) await round();
    expect(workers.size).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    // Sockets end a little later than those who close them.
    await vi.waitFor(() => {
      const after = openNow();
      for (const [what, count] of Object.entries(before)) {
        expect(after[what as keyof typeof after], what).toBeLessThanOrEqual(count);
      }
    }, patient);
  });
});
