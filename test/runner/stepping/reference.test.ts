import { memory } from 'kahn';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { type Stepper, steppers } from './tick-log.ts';

const [single, multi] = steppers;

/** The test of the reference's suite: an order every other tick, and all are done. */
async function placeScheduled(orders: number, { start }: Stepper): Promise<void> {
  await using runner = await start(shop, { storage: memory(), normalSpeed: 3, scaleFactor: 0 });
  const ids: string[] = [];
  const placed = Promise.withResolvers<void>();
  for (let i = 0; i < orders; i += 1) {
    const place = async () => {
      ids.push(await runner.get(Orders).place(`customer ${i}`));
      if (ids.length === orders) placed.resolve();
    };
    runner.callInFuture(place, 100 + 2 * i);
  }
  await placed.promise;
  await runner.caughtUp();
  expect(ids).toHaveLength(orders);
  for (const id of ids) expect(await runner.get(Orders).get(id)).toMatchObject({ done: true });
  expect(runner.actualClockSpeed).toBeGreaterThan(3);
}

test('120 scheduled orders are done in one thread', () => placeScheduled(120, single));

test('12 scheduled orders are done across threads', () => placeScheduled(12, multi));
