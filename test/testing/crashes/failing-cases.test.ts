import { memory, run } from 'kahn';
import { CrashNotSurvivedError, crashingStorage, NotEquivalentError, survivesEveryCrash } from 'kahn/testing';
import { expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { countingShop, mailingShop, randomShop } from '../scenarios/planted-bugs.ts';
import { listedInPostgres, placeOrders } from '../scenarios/scenarios.ts';

const inMemory = { storages: { memory: () => memory() } };
const failure = (checked: Promise<unknown>) =>
  checked.then(
    () => expect.fail('It has not failed.'),
    (error: unknown) => error,
  );

test('finds a policy that depends on a count in memory', async () => {
  const error = await failure(survivesEveryCrash(countingShop, placeOrders, inMemory));
  expect(error).toBeInstanceOf(CrashNotSurvivedError);
  const { difference, crash, message } = error as CrashNotSurvivedError;
  expect(difference).toMatch(
    /^ {2}tickets id\n- {3}Ticket.Printed {"number":\d}\n\+ {3}Ticket.Printed {"number":1}/,
  );
  expect(message).toContain(
    `crash ${crash.moment} recording ${crash.recording} on memory, which is that of '${crash.applicationName}'`,
  );
});

test('finds a policy that depends on chance, without a crash', async () => {
  const error = await failure(survivesEveryCrash(randomShop, placeOrders, inMemory));
  expect(error).toBeInstanceOf(NotEquivalentError);
  expect(error).toMatchObject({ runs: ['the first run on memory', 'the second run on memory'] });
});

test('finds side effects that are repeated, by what the scenario returns', async () => {
  let sent: string[] = [];
  const resources = { mailer: { send: (customer: string) => void sent.push(customer) } };
  const error = await failure(
    survivesEveryCrash(
      mailingShop,
      async (runner) => {
        sent = [];
        await runner.get(Orders).place('ada');
        return sent;
      },
      { ...inMemory, runnerOptions: { resources } },
    ),
  );
  expect(error).toMatchObject({ difference: "  scenario result\n-   [ 'ada' ]\n+   [ 'ada', 'ada' ]" });
});

test('names the storages on which the system cannot run, or fails if there is no other', async () => {
  await expect(survivesEveryCrash(listedInPostgres, () => {})).rejects.toMatchObject({
    code: 'INVALID_STORAGE',
  });
});

test('says how many crashes the time limit has left out', async () => {
  const { crashes, skipped } = await survivesEveryCrash(shop, placeOrders, { ...inMemory, timeLimitMs: 1 });
  expect(crashes).toBe(0);
  expect(skipped).toBeGreaterThan(10);
});

test.each(['before', 'inside', 'after'] as const)('crashes %s a recording', async (moment) => {
  const storage = memory();
  const first = crashingStorage(storage);
  await (await run(shop, { storage: first })).close(); // records the handled types
  expect(first.recordings).toBeGreaterThan(0);
  const crashing = crashingStorage(storage, { recording: 1, moment });
  await using runner = await run(shop, { storage: crashing });
  const order = Order.place('ada');
  await expect(runner.get(Orders).save(order)).rejects.toMatchObject({ code: 'STORAGE_CLOSED' });
  expect(crashing.crash).toMatchObject({ applicationName: 'orders', contents: 'Order.Created', moment });
  await expect(runner.get(Orders).get(order.id)).rejects.toMatchObject({ code: 'STORAGE_CLOSED' });
  await runner.close();
  await using second = await run(shop, { storage });
  expect(await second.get(Orders).repository.has(Order, order.id)).toBe(moment === 'after');
});
