import { setTimeout as delay } from 'node:timers/promises';
import { MultiprocessRunner, memory, run } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect, test } from 'vitest';
import { assertContiguous, assertSound, difference } from '../../support/logs.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import {
  Notes,
  numbersFor,
  Order,
  Orders,
  parcels,
  Stock,
} from '../../support/systems/event-options/parcels.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchProcesses } from '../../support/watchers/processes.ts';
import { KillCandidates } from '../multiprocess/kill-candidates.ts';

const kills = 15;

/** Places orders with one parcel up to seven. */
const ordersFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => Order.place(1 + ((first + i) % 7)).view(`viewer ${first + i}`));

for (const { name, create } of storages.filter((storage) => storage.name !== 'memory')) {
  test(`own events and events outside of the log survive ${kills} kills of processes, on ${name}`, async () => {
    const random = randomNumbers(seed);
    const candidates = new KillCandidates();
    watchRunners(candidates.hear);
    watchProcesses(candidates.watch);
    const storage = create();
    await using runner = await MultiprocessRunner.start(parcels, {
      storage,
      pollIntervalMs: 2 ** 30,
      batchSize: 5,
    });
    const placed: Order[] = [];
    let killed = 0;
    const killAll = async () => {
      for (; killed < kills; killed += 1) {
        await until('a process runs', () => candidates.running >= 1);
        await delay(random() * 20);
        const chance = random();
        await until('one may be killed', () => candidates.kill(false, chance));
      }
    };
    const over = killAll();
    for (let round = 0; killed < kills; round += 1) {
      const burst = ordersFrom(placed.length, 20);
      placed.push(...burst);
      await Promise.all(burst.map((order) => runner.get(Orders).save(order)));
      if (round % 5 === 0) await assertSound(storage, parcels);
      await until('the next kill', () => killed > round || killed === kills);
    }
    await over;
    await runner.caughtUp();
    const applications = [runner.get(Orders), runner.get(Stock), runner.get(Notes)];
    for (const application of applications) await assertContiguous(application);
    await assertSound(storage, parcels);
    for (const [i, { id }] of placed.entries())
      expect(await runner.get(Notes).numbersOf(id)).toEqual(numbersFor(1 + (i % 7)));
    const histories = await canonicalHistories(applications, { causes: true });
    expect(difference(histories, await unbroken(placed.length))).toEqual({ lost: [], doubled: [] });
  });
}

/** Returns the canonical histories of the same orders in one thread without faults. */
async function unbroken(count: number): Promise<readonly string[]> {
  await using runner = await run(parcels.bind(memory()));
  await runner.get(Orders).save(...ordersFrom(0, count));
  const applications = [runner.get(Orders), runner.get(Stock), runner.get(Notes)];
  return await canonicalHistories(applications, { causes: true });
}
