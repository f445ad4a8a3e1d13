import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { MultiprocessRunner, pipelineFor } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { watchRunners } from '../../support/events.ts';
import { assertContiguous, difference, unbrokenHistories } from '../../support/logs.ts';
import { watchProcesses } from '../../support/processes.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { until } from '../../support/until.ts';

const never = 2 ** 30;
const pipelineIds = [0, 1, 2, 3];

const killsOn: Record<string, number> = byTier({ sqlite: 10 }, { sqlite: 200, postgres: 100 });

for (const { name, create } of storages.filter((openedStorage) => openedStorage.name in killsOn)) {
  const kills = killsOn[name] ?? 0;
  test(`processes killed ${kills} times at random lose and double nothing, on ${name}`, async () => {
    const random = randomNumbers(seed);
    const ready = new Set<ChildProcess>();
    const processes = watchProcesses((child) => {
      child.on(
        'message',
        ({ kind }: { readonly kind: string }) => void (kind === 'ready' && ready.add(child)),
      );
      child.once('exit', () => ready.delete(child));
    });
    const events = watchRunners();
    await using runner = await MultiprocessRunner.start(shop, {
      storage: create(),
      pipelineIds,
      pollIntervalMs: never,
      batchSize: 7,
    });
    expect(processes.size).toBe(12);
    let killed = 0;
    const killAll = async () => {
      for (; killed < kills; killed += 1) {
        // A few may be away at a time; one that is being started is killed now and then, too, but hardly six times in a row.
        await until('most processes run', () => ready.size >= 9);
        await delay(random() * 20);
        const starting = [...processes].filter((one) => one.pid !== undefined && !ready.has(one));
        const those = random() < 0.08 && starting.length > 1 ? starting : [...ready];
        const victim = those[Math.floor(random() * those.length)];
        ready.delete(victim!);
        victim?.kill('SIGKILL');
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
      await until('the next kill', () => killed > round);
    }
    await over;
    await runner.caughtUp();
    const applications = pipelineIds.flatMap((id) => shop.applications.map((kind) => runner.get(kind, id)));
    for (const application of applications) await assertContiguous(application);
    const histories = await canonicalHistories(applications);
    expect(difference(histories, await unbrokenHistories(customers))).toEqual({ lost: [], doubled: [] });
    const restarts = events.filter(({ kind }) => kind === 'restarted').length;
    expect(restarts).toBeGreaterThan(kills / 2); // some were killed before they were ready
  });
}
