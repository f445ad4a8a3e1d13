import { sqlite } from 'kahn/sqlite';
import {
  anySchedule,
  equivalent,
  given,
  replayPolicies,
  type ScenarioRunner,
  survivesEveryCrash,
} from 'kahn/testing';
import 'kahn/testing/vitest';
import { expect, test } from 'vitest';
import { Bills, Orders, shop } from './shop.ts';

const placeOrders = async (runner: ScenarioRunner<typeof Orders>) => {
  for (const customer of ['ada', 'bo', 'cy']) await runner.get(Orders).place(customer);
};

test('opens a bill for an order', () =>
  given(Bills)
    .when(Orders, { type: 'Order.Placed', data: { customer: 'ada' }, originatorId: 'order 1' })
    .then([{ type: 'Bill.Opened', data: { orderId: 'order 1', customer: 'ada', number: 1 } }]));
test('leaves the same on record everywhere', () => equivalent(shop, placeOrders), 180_000);
test('survives every crash', () => survivesEveryCrash(shop, placeOrders), 90_000);
test('runs under any schedule', () => anySchedule(shop, placeOrders), 90_000);
test('keeps its graph', () => expect(shop).toMatchGraph());
test('makes the events that are on record', async () => {
  const replay = await replayPolicies(shop, { from: sqlite({ file: 'recorded.db' }) });
  expect(replay.differences, String(replay)).toBe(0);
});
