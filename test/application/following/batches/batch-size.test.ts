import { setTimeout as delay } from 'node:timers/promises';
import { memory, ProcessApplication, run, System } from 'kahn';
import { expect, test } from 'vitest';
import { Order, type OrderEvent } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Reservation, type ReservationEvent } from '../../../../examples/shop/reservation.ts';
import { AdaptiveBatchSize } from '../../../../src/application/following/batches/batch-size.ts';

test('batches of a slow policy shrink immediately and grow again step by step', () => {
  const pace = new AdaptiveBatchSize(500);
  expect(pace.limit).toBe(500);
  pace.learn(500, 50, 0);
  expect(pace.limit).toBe(200);
  pace.learn(200, 20, 0);
  expect(pace.limit).toBe(200);
  pace.learn(1, 1_000, 0);
  expect(pace.limit).toBe(1);
  const limits = [];
  for (let i = 0; i < 10; i += 1) {
    pace.learn(pace.limit, 1, 0);
    limits.push(pace.limit);
  }
  expect(limits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 500, 500]);
});

test('a batch that is not full does not change the batch size', () => {
  const pace = new AdaptiveBatchSize(500);
  pace.learn(500, 50, 0);
  pace.learn(10, 1, 0);
  expect(pace.limit).toBe(200);
});

test('slow storage allows more time in the policy', () => {
  const pace = new AdaptiveBatchSize(500);
  expect(pace.longestMs).toBe(20);
  pace.learn(500, 100, 25);
  expect([pace.limit, pace.longestMs]).toEqual([500, 100]);
  pace.learn(500, 200, 25);
  expect([pace.limit, pace.longestMs]).toEqual([250, 100]);
  pace.learn(250, 10, 1);
  expect(pace.longestMs).toBe(20);
});

const workMs = 5;

class SlowReservations extends ProcessApplication<ReservationEvent, OrderEvent> {
  static readonly applicationName = 'reservations';
  static readonly emits = ['Reservation.Created'] as const;

  override readonly policy = this.when({
    'Order.Created': async (event, repository) => {
      await delay(workMs);
      return Reservation.for(event.originatorId, repository.deriveId());
    },
  });
}

test('followers of a slow policy get its first events long before its last', async () => {
  await using runner = await run(System.of([[Orders, SlowReservations]]), { storage: memory() });
  const heads: number[] = [];
  runner.get(SlowReservations).subscribe(({ head }) => heads.push(head));
  const count = 60;
  await runner.get(Orders).save(...Array.from({ length: count }, () => Order.place('ada')));
  expect(heads.at(-1)).toBe(count);
  const sizes = heads.map((head, i) => head - (heads[i - 1] ?? 0));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(count / 3); // not even at first, before the follower has measured the policy
});

test('processes the rest of a shortened batch next, and nothing twice', async () => {
  await using runner = await run(System.of([[Orders, SlowReservations]]), { storage: memory() });
  const orders = Array.from({ length: 30 }, () => Order.place('ada'));
  for (const order of orders.slice(0, 15)) order.reserve('by hand'); // ignored events between handled ones
  await runner.get(Orders).save(...orders);
  const reserved = await runner.get(SlowReservations).reader().read(100);
  expect(reserved.map(({ event }) => (event.data as { orderId: string }).orderId)).toEqual(
    orders.map(({ id }) => id),
  );
});
