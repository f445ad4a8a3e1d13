import { setTimeout as delay } from 'node:timers/promises';
import { MultiprocessRunner } from 'kahn';
import { expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { storages } from '../../support/storages.ts';
import { patient } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchProcesses } from '../../support/watchers/processes.ts';

const { create } = storages.find(({ name }) => name === 'sqlite')!;

test('processes that are killed after five seconds with nothing to do are started again, however often', async () => {
  const events = watchRunners();
  const processes = watchProcesses();
  await using runner = await MultiprocessRunner.start(shop, { storage: create() });
  const isResting = async () => (await runner.status()).every(({ state }) => state === 'idle');
  for (let round = 0; round < 6; round += 1) {
    await vi.waitUntil(isResting, patient);
    await delay(5_100);
    for (const child of [...processes]) child.kill('SIGKILL');
    const restarts = 3 * (round + 1);
    await vi.waitUntil(() => events.filter(({ kind }) => kind === 'restarted').length === restarts, patient);
  }
  const id = await runner.get(Orders).place('ada');
  await runner.caughtUp();
  expect((await runner.get(Orders).get(id)).done).toBe(true);
});
