import { System } from 'kahn';
import { anySchedule, type ScenarioRunner } from 'kahn/testing';
import { expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payment } from '../../../examples/shop/payment.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { seed } from '../../support/seed.ts';
import { byTier } from '../../support/tier.ts';
import { mailingShop } from '../scenarios/planted-bugs.ts';
import { Counter, Tickets, tallyingShop } from './tallying-shop.ts';

async function placesThreeOrders(runner: ScenarioRunner<typeof Orders>) {
  for (const customer of ['ada', 'bob', 'cy']) await runner.get(Orders).place(customer);
}

test('the shop leaves the same on record under any schedule', async () => {
  const runs = byTier(30, 2_000);
  expect(await anySchedule(shop, placesThreeOrders, { runs, seed })).toEqual({ runs, seed, unavailable: {} });
});

test('shows the shortest schedule under which a policy does something else', async () => {
  let handled = 0;
  class Counting extends Payments {
    override readonly policy = this.when({
      'Order.Reserved': ({ originatorId }, repository) => {
        handled += 1; // a policy must not depend on how often it is called
        return Payment.for(handled <= 3 ? originatorId : 'nobody', repository.deriveId());
      },
    });
  }
  const system = System.of([
    [Orders, Reservations, Orders],
    [Orders, Counting, Orders],
  ]);
  const scenario = async (runner: ScenarioRunner<typeof Orders>) => {
    handled = 0;
    await placesThreeOrders(runner);
  };
  const error = await anySchedule(system, scenario, { runs: 1_000, seed }).catch((e) => e);
  expect(error).toMatchObject({
    code: 'SCHEDULE_FAILED',
    message: expect.stringMatching(
      /^A schedule fails:\n- .*\n\n.*To repeat it, pass \{ seed: \d+, runs: 1 \}/s,
    ),
  });
  // One refusal is enough, except where only the other runner has a recording of that number.
  expect([1, 2]).toContain(error.schedule.length);
});

const placesOnCounter = async (runner: ScenarioRunner<typeof Counter>) => {
  for (const customer of ['ada', 'bob']) await runner.get(Counter).place(customer);
};

test('finds a policy that does something else in a thread of its own', async () => {
  const error = await anySchedule(tallyingShop, placesOnCounter, { runs: 1_000, seed }).catch((e) => e);
  expect(error).toMatchObject({
    code: 'SCHEDULE_FAILED',
    schedule: [expect.stringContaining('multi-threaded')],
    message: expect.stringContaining('+   Ticket.Printed {"isKnown":false}'),
  });
});

test('says why a system does not run in threads', async () => {
  const inOneThread = System.of([[Counter, Tickets]]);
  expect(await anySchedule(inOneThread, placesOnCounter, { runs: 20, seed })).toEqual({
    runs: 20,
    seed,
    unavailable: { 'multi-threaded': expect.stringContaining('no module') },
  });
});

test('shows a retried change as one refused recording', async () => {
  let calls = 0;
  const scenario = async (runner: ScenarioRunner<typeof Orders>) => {
    calls = 0;
    const orders = runner.get(Orders);
    const id = await orders.place('ada');
    await orders.update(Order, id, (order) => {
      calls += 1; // the change is repeated after a lost race
      order.reserve(`r-${calls}`);
    });
  };
  const error = await anySchedule(System.of([[Orders]]), scenario, { runs: 1_000, seed }).catch((e) => e);
  expect(error).toMatchObject({ code: 'SCHEDULE_FAILED' });
  expect(error.schedule).toHaveLength(1);
});

test('passes options on to all runners, and leaves out threads, which cannot be sent resources', async () => {
  const sent: string[] = [];
  const runnerOptions = { resources: { mailer: { send: (customer: string) => void sent.push(customer) } } };
  const { runs, unavailable } = await anySchedule(mailingShop, placesThreeOrders, {
    runs: 1,
    seed,
    runnerOptions,
  });
  expect(runs).toBe(1);
  expect(unavailable['multi-threaded']).toContain('threads open the resources');
  expect(sent).toEqual(expect.arrayContaining(['ada', 'bob', 'cy']));
});
