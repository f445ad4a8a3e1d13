import type { SystemRunner } from 'kahn';
import { expect } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { until } from '../../support/until.ts';
import type { Apps } from '../contract/subject.ts';

const orders = 20;

/**
 * Checks that an order is 5 commits: one for each of its events. The reservations and the payments ignore other events, and
 * may add a commit per second for their positions.
 */
export async function assertFiveCommits(
  runner: SystemRunner<Apps>,
  count: () => number | Promise<number>,
): Promise<void> {
  const place = async () => {
    const id = await runner.get(Orders).place('ada');
    await until('the order is done', async () => (await runner.get(Orders).get(id)).done);
  };
  await place(); // the first positions are recorded at once
  const began = performance.now();
  const before = await count();
  for (let i = 0; i < orders; i += 1) await place();
  const commits = (await count()) - before;
  const seconds = Math.floor((performance.now() - began) / 1_000) + 1;
  expect(commits).toBeGreaterThanOrEqual(5 * orders);
  expect(commits).toBeLessThanOrEqual(5 * orders + 2 * seconds + 2); // 2 may belong to the first order
}
