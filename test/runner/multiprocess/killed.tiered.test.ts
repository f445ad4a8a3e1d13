import { setTimeout as delay } from 'node:timers/promises';
import { MultiprocessRunner, pipelineFor } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { assertContiguous, assertSound, difference, unbrokenHistories } from '../../support/logs.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchProcesses } from '../../support/watchers/processes.ts';
import { KillCandidates } from './kill-candidates.ts';

const never = 2 ** 30;
const pipelineIds = [0, 1, 2, 3];

const killsOn: Record<string, number> = byTier({ sqlite: 5 }, { sqlite: 100, postgres: 50 });

for (const { name, create } of storages.filter((storage) => storage.name in killsOn)) {
  const kills = killsOn[name] ?? 0;
  test(`processes killed ${kills} times at random lose and double nothing, on ${name}`, async () => {
    const random = randomNumbers(seed);
    const candidates = new KillCandidates();
    const events = watchRunners(candidates.hear);
    const processes = watchProcesses(candidates.watch);
    const storage = create();
    await using runner = await MultiprocessRunner.start(shop, {
      storage,
      pipelineIds,
      pollIntervalMs: never,
      batchSize: 7,
    });
    expect(processes.size).toBe(12);
    let killed = 0;
    const killAll = async () => {
      for (; killed < kills; killed += 1) {
        // A few processes may be missing at a time; sometimes a starting process is killed, too.
        await until('most processes run', () => candidates.running >= 9);
        await delay(random() * 20);
        const isStarting = random() < 0.08;
        const chance = random();
        await until('one may be killed', () => candidates.kill(isStarting, chance));
      }
    };
    const over = killAll();
    const customers: string[] = [];
    for (let round = 0; killed < kills; round += 1) {
      const burst = Array.from({ length: 20 }, (_, i) => `customer ${customers.length + i}`);
      customers.push(...burst);
      await Promise.all(
        burst.map((customer) => runner.get(Orders, pipelineFor(customer, pipelineIds)).place(customer)),
      );
      if (round % 5 === 0) await assertSound(storage);
      await until('the next kill', () => killed > round);
    }
    await over;
    await runner.caughtUp();
    const applications = pipelineIds.flatMap((id) => shop.applications.map((kind) => runner.get(kind, id)));
    for (const application of applications) await assertContiguous(application);
    await assertSound(storage);
    const histories = await canonicalHistories(applications, { causes: true });
    expect(difference(histories, await unbrokenHistories(customers))).toEqual({ lost: [], doubled: [] });
    const restarts = events.filter(({ kind }) => kind === 'restarted').length;
    expect(restarts).toBeGreaterThan(kills / 2); // some were killed before they were ready
  });
}
