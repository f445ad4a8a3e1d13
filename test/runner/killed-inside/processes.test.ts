import { MultiprocessRunner } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { canonicalHistories } from 'kahn/testing';
import { expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { assertContiguous, assertSound, difference, unbrokenHistories } from '../../support/logs.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { patient } from '../../support/until.ts';
import { raise, storeFlagsIn, take } from '../multi-threaded/file-flags.ts';
import { dyingShop, moments } from './shop-in-processes.ts';

test('a process killed at any moment of a recording loses and doubles nothing, without a poll', async () => {
  storeFlagsIn(temporaryDirectory());
  const storage = sqlite({ directory: temporaryDirectory() });
  await using runner = await MultiprocessRunner.start(dyingShop, { storage, pollIntervalMs: 2 ** 30 });
  const orders = runner.get(Orders);
  for (const moment of moments) {
    raise(moment);
    const id = await orders.place(moment);
    await vi.waitUntil(async () => (await orders.get(id)).done, patient);
    expect(take(moment)).toBe(false);
  }
  const applications = dyingShop.applications.map((kind) => runner.get(kind));
  for (const application of applications) await assertContiguous(application);
  await assertSound(storage);
  const histories = await canonicalHistories(applications, { causes: true });
  expect(difference(histories, await unbrokenHistories(moments))).toEqual({ lost: [], doubled: [] });
});
