import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { MultiThreadedRunner } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { assertContiguous, assertSound, difference, unbrokenHistories } from '../../support/logs.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchWorkers } from '../../support/watchers/workers.ts';

const never = 2 ** 30;
const kills = byTier(5, 30);
const killedOn = byTier(['memory'], ['memory', 'sqlite']);

for (const { name, create } of storages.filter((storage) => killedOn.includes(storage.name))) {
  test(`threads killed ${kills} times at random lose and double nothing, on ${name}`, async () => {
    const random = randomNumbers(seed);
    const workers = watchWorkers();
    let killed = 0;
    // Only threads that have made progress since they started: five deaths without progress are a failure.
    const kill = async (worker: Worker) => {
      await delay(random() * 5);
      if (worker.threadId === -1 || killed === kills) return;
      killed += 1;
      await worker.terminate();
    };
    const busy = new Set<Worker>();
    const events = watchRunners((event) => {
      if (event.kind !== 'processed' || random() < 0.5) return;
      const worker = [...workers].find(({ threadName }) => threadName === `kahn ${event.applicationName}`);
      if (worker === undefined || busy.has(worker)) return;
      busy.add(worker);
      void kill(worker);
    });
    const storage = create();
    await using runner = await MultiThreadedRunner.start(shop, {
      storage,
      pollIntervalMs: never,
      batchSize: 7,
    });
    const customers: string[] = [];
    while (killed < kills) {
      const burst = Array.from({ length: 60 }, (_, i) => `customer ${customers.length + i}`);
      customers.push(...burst);
      const placing = burst.map((customer) => runner.get(Orders).place(customer));
      await assertSound(storage);
      await Promise.all(placing);
      await runner.caughtUp();
    }
    const applications = shop.applications.map((kind) => runner.get(kind));
    for (const application of applications) await assertContiguous(application);
    await assertSound(storage);
    const histories = await canonicalHistories(applications, { causes: true });
    expect(difference(histories, await unbrokenHistories(customers)), `seed ${seed}`).toEqual({
      lost: [],
      doubled: [],
    });
    expect(events.filter(({ kind }) => kind === 'restarted').length).toBeGreaterThanOrEqual(
      kills - workers.size,
    );
  });
}
