import { type ApplicationClass, DownstreamError, explain, type System, type SystemRunner } from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { assertContiguous, assertSound } from '../../support/logs.ts';
import { brokenShop } from '../../support/systems/broken-shop.ts';
import {
  Notes,
  numbersFor,
  Order as ParcelOrder,
  Orders as ParcelOrders,
  parcels,
  Stock,
} from '../../support/systems/event-options/parcels.ts';
import {
  type Apps,
  assertAllDone,
  customers,
  everything,
  headsAndPositions,
  historiesOf,
  placeAll,
  type RunnerSubject,
} from './subject.ts';

/** One run of the shop. */
export function runnerScenario({ name, start, createStorage }: RunnerSubject): void {
  test(`${name}: every order ends reserved and paid, with 5 events and 8 processed notifications`, async () => {
    const storage = createStorage();
    await using runner = await start(shop, { storage });
    const ids = await placeAll(runner);
    await assertAllDone(runner, ids);
    expect(await headsAndPositions(runner)).toEqual(everything(customers.length));
    await assertSound(storage);
  });
}

/** Events that a policy makes for its own events, and events that are in no log. */
export function eventOptions({ start, createStorage }: RunnerSubject): void {
  test('a policy handles its own events, and records events outside of the log, exactly once', async () => {
    const storage = createStorage();
    await using runner = await start(parcels as unknown as System<Apps>, { storage, batchSize: 4 });
    const application = <A extends ApplicationClass>(kind: A) =>
      (runner as unknown as SystemRunner<A>).get(kind);
    const orders = Array.from({ length: 6 }, (_, i) => ParcelOrder.place(i + 1).view('ada'));
    const saves = orders.map((order) => application(ParcelOrders).save(order, { metadata: { user: 'ada' } }));
    for (const saved of await Promise.all(saves)) await runner.settled(saved);
    const viewed = await application(ParcelOrders).save((orders[0] as ParcelOrder).view('bob'));
    expect(viewed).toMatchObject({ notificationId: 0, count: 0 });
    await runner.settled(viewed);
    await runner.caughtUp();
    for (const [i, { id }] of orders.entries())
      expect(await application(Notes).numbersOf(id)).toEqual(numbersFor(i + 1));
    const causes: number[] = [];
    for await (const { event } of application(Stock).reader()) {
      expect(event).toMatchObject({ cause: { applicationName: 'orders' }, metadata: { user: 'ada' } });
      causes.push(event.cause?.notificationId ?? 0);
    }
    expect(causes).toEqual(causes.toSorted((a, b) => a - b));
    expect(causes).toHaveLength(2 * 21);
    expect(await application(Notes).log.head()).toBe(0);
    for (const kind of parcels.applications) await assertContiguous(application(kind));
    await assertSound(storage, parcels);
  });
}

/** Results of processing. */
export function processing({ start, createStorage }: RunnerSubject): void {
  test('a hundred orders placed at the same time end reserved and paid', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    const ids = await Promise.all(Array.from({ length: 100 }, (_, i) => runner.get(Orders).place(`${i}`)));
    await runner.caughtUp();
    await assertAllDone(runner, ids);
    expect(await headsAndPositions(runner)).toEqual(everything(100));
  });

  test('every event names its cause, with the correlation id and the metadata of its command', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    const options = { correlationId: 'order 1', metadata: { user: 'ada' } };
    const saved = await runner.get(Orders).save(Order.place('ada'), options);
    await runner.caughtUp();
    const place = { applicationName: 'orders', pipelineId: 0, notificationId: 1 };
    expect(saved).toEqual({ ...place, count: 1, correlationId: 'order 1' });
    const causes: unknown[] = [];
    for (const kind of shop.applications) {
      for await (const { event } of runner.get(kind).reader()) {
        expect(event).toMatchObject(options);
        causes.push([event.type, event.cause]);
      }
    }
    expect(causes).toEqual([
      ['Order.Created', undefined],
      ['Order.Reserved', { ...place, applicationName: 'reservations' }],
      ['Order.Paid', { ...place, applicationName: 'payments' }],
      ['Reservation.Created', place],
      ['Payment.Created', { ...place, notificationId: 2 }],
    ]);
    const { causes: explained, event } = await explain(runner, Orders, 2);
    expect(explained.map(({ type }) => type)).toEqual(['Reservation.Created', 'Order.Created']);
    expect(event.effects).toMatchObject([{ type: 'Payment.Created', effects: [{ type: 'Order.Paid' }] }]);
  });

  test('processes events recorded before the start, and a second start adds nothing', async () => {
    const storage = createStorage();
    const ids: string[] = [];
    {
      await using orders = await shop.open(Orders, { storage });
      for (const customer of customers) ids.push(await orders.place(customer));
    }
    for (let round = 0; round < 2; round++) {
      await using runner = await start(shop, { storage });
      await runner.caughtUp();
      await assertAllDone(runner, ids);
      expect(await headsAndPositions(runner)).toEqual(everything(customers.length));
    }
  });

  test('the histories are the same with any batch size, read directly and in sections', async () => {
    const histories = [];
    for (const [batchSize, useDirectQueryIfAvailable] of [
      [1, true],
      [7, false],
      [500, true],
      [500, false],
    ] as const) {
      const storage = createStorage();
      await using orders = await shop.open(Orders, { storage });
      for (const customer of customers) await orders.place(customer);
      const options = { storage, batchSize, cacheSize: batchSize, useDirectQueryIfAvailable };
      await using runner = await start(shop, options);
      await runner.caughtUp();
      histories.push(await historiesOf(runner));
    }
    expect(histories[0]).toHaveLength(3 * customers.length);
    for (const other of histories) expect(other).toEqual(histories[0]);
  });

  test('a policy error stops its application and no other, and rejects caughtUp()', async () => {
    const storage = createStorage();
    const ids: string[] = [];
    {
      await using runner = await start(brokenShop as System<Apps>, { storage });
      ids.push(await runner.get(Orders).place('ada'));
      await runner.caughtUp();
      await runner
        .get(Orders)
        .place('mallory')
        .catch(() => {});
      const error = await rejectionOf(runner.caughtUp(), DownstreamError);
      expect(error.failures.get('reservations')).toMatchObject({
        code: 'POLICY_FAILED',
        applicationName: 'reservations',
        upstreamName: 'orders',
        notificationId: 4,
        eventType: 'Order.Created',
      });
      expect(error.message).toContain("Application 'reservations' failed and is stopped");
      expect(error.message).toContain('nothing for mallory');
      expect((await headsAndPositions(runner, brokenShop as System<Apps>)).positions).toMatchObject({
        'orders>reservations': 3,
        'orders>payments': 4,
      });
    }
    await using repaired = await start(shop, { storage });
    await repaired.caughtUp();
    await assertAllDone(repaired, ids);
    expect(await headsAndPositions(repaired)).toEqual(everything(2));
  });
}
