import assert from 'node:assert/strict';
import type { SystemRunner } from '../../runner/runner.ts';
import { Order, Orders, Payments, Reservations } from './shop.ts';

/** Applications of the shop. */
export type ShopApps = typeof Orders | typeof Reservations | typeof Payments;
export type ShopRunner = SystemRunner<ShopApps>;

/** Places an order, and returns its id. On a single thread, this waits for what follows. */
export async function place(runner: SystemRunner<typeof Orders>, customer: string): Promise<string> {
  const order = Order.place(customer);
  await runner.get(Orders).save(order);
  return order.id;
}

/** Places orders at the same time, and returns their ids. */
export function placeMany(runner: SystemRunner<typeof Orders>, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => place(runner, `customer ${i}`)));
}

/** Reads the ids of the orders in the order in which they were placed. */
async function placedOrders(runner: ShopRunner): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { event } of runner.get(Orders).reader())
    if (event.type === 'Order.Placed') ids.push(event.originatorId);
  return ids;
}

/** Checks that each order is reserved and paid once, in the order in which the orders were placed. */
export async function assertAllPaid(runner: ShopRunner, ids: readonly string[]): Promise<void> {
  const placed = await placedOrders(runner);
  assert.deepEqual([...placed].sort(), [...ids].sort(), 'orders on record');
  const expected = placed.map((orderId, i) => ({ orderId, number: i + 1 }));
  const reserved: string[] = [];
  for await (const { event } of runner.get(Reservations).reader()) reserved.push(event.data.orderId);
  assert.deepEqual(reserved, placed, 'reservations, in the order of the orders');
  const taken: unknown[] = [];
  for await (const { event } of runner.get(Payments).reader()) taken.push(event.data);
  assert.deepEqual(taken, expected, 'payments, in the order of the orders');
  for (const { orderId, number } of expected)
    assert.equal((await runner.get(Orders).get(orderId)).paid, number, `payment of order ${orderId}`);
}
