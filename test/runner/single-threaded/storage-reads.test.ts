import { run } from 'kahn';
import { expect, test, vi } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { applicationInternals } from '../../../src/application/application.ts';
import { storages } from '../../support/storages.ts';

const orderCount = 40;
/** Notifications that followers process for each order. */
const followedPerOrder = 8;

test.each(storages)('one command at a time, followers read nothing from $name', async ({ create }) => {
  await using runner = await run(shop, { storage: create(), pollIntervalMs: 60_000 });
  const orders = runner.get(Orders);
  const reads = shop.applications.map((one) => {
    const { recorder } = applicationInternals.storeOf(runner.get(one));
    return vi.spyOn(recorder, 'notifications');
  });
  const count = () => reads.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  await orders.save(Order.place('ada')); // the first reads compare the logs
  await orders.save(Order.place('ada'));
  const before = count();
  for (let i = 0; i < orderCount; i += 1) await orders.save(Order.place('ada'));
  // On a busy machine there are pauses, after which the logs are compared again.
  expect(count() - before).toBeLessThan((orderCount * followedPerOrder) / 10);
  const compared = count();
  await runner.caughtUp();
  expect(count()).toBeGreaterThan(compared);
});
