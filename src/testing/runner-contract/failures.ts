import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { ParkedEvent } from '../../runner/operating/parked-events.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import { assertAllPaid, place, type ShopRunner } from './log-contents.ts';
import {
  customerNeeding,
  Order,
  Orders,
  ParkingReservations,
  Payments,
  parkingShop,
  Reservations,
  shop,
} from './shop.ts';
import type { Test } from './tested-runner.ts';

type ParkingRunner = SystemRunner<typeof Orders | typeof ParkingReservations | typeof Payments>;

const because = { by: 'the contract', reason: 'a test' };

/** A DownstreamError, whose failures may come from another thread or process. */
interface DownstreamFailure {
  readonly code: string;
  readonly failures: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** Places an order on which the policy of the reservations fails; on a single thread, `save()` rejects. */
async function placeFailing(runner: SystemRunner<typeof Orders>, file: string): Promise<string> {
  const order = Order.place(customerNeeding(file));
  await runner
    .get(Orders)
    .save(order)
    .catch(() => {});
  return order.id;
}

async function stateOf(runner: ShopRunner, applicationName: string): Promise<string | undefined> {
  return (await runner.status()).find((one) => one.applicationName === applicationName)?.state;
}

/** Policies that fail. */
export function failures(test: Test): void {
  test('reports a failure, and stops the application and no other', async (tested) => {
    const runner = await tested.start(shop);
    const first = await place(runner, 'ada');
    await runner.caughtUp({ signal: tested.signal });
    await placeFailing(runner, await tested.newFile());
    await assert.rejects(runner.caughtUp({ signal: tested.signal }), (error: DownstreamFailure) => {
      assert.equal(error.code, 'DOWNSTREAM_FAILED');
      assert.deepEqual([...error.failures.keys()], ['reservations']);
      const { code, applicationName, upstreamName, eventType } = error.failures.get('reservations') ?? {};
      assert.deepEqual(
        { code, applicationName, upstreamName, eventType },
        {
          code: 'POLICY_FAILED',
          applicationName: 'reservations',
          upstreamName: 'orders',
          eventType: 'Order.Placed',
        },
      );
      return true;
    });
    await tested.until(
      'the application has failed',
      async () => (await stateOf(runner, 'reservations')) === 'failed',
    );
    assert.notEqual(await stateOf(runner, 'payments'), 'failed');
    await runner
      .get(Orders)
      .update(Order, first, (order) => order.note('recorded'))
      .catch(() => {});
    assert.equal((await runner.get(Orders).get(first)).notes, 1);
    assert.equal(await runner.get(Reservations).log.head(), 1);
  });

  test('resume() makes a failed application continue where it was', async (tested) => {
    const runner = await tested.start(shop);
    const file = await tested.newFile();
    const ids = [
      await place(runner, 'ada'),
      await placeFailing(runner, file),
      await placeFailing(runner, file),
    ];
    const hasFailed = async () => (await stateOf(runner, 'reservations')) === 'failed';
    await tested.until('the application has failed', hasFailed);
    await writeFile(file, '');
    assert.equal(await runner.resume(Reservations, because), true);
    await tested.until(
      'the orders are paid',
      async () => (await runner.get(Payments).log.head()) === ids.length,
    );
    await runner.caughtUp({ signal: tested.signal });
    await assertAllPaid(runner, ids);
  });
}

/** Applications that people pause. */
export function pauses(test: Test): void {
  test('a paused application handles nothing until it is resumed, also after a restart', async (tested) => {
    const ids: string[] = [];
    const placeAndReserve = async (runner: ShopRunner, customer: string) => {
      ids.push(await place(runner, customer));
      const reserved = async () => (await runner.get(Reservations).log.head()) === ids.length;
      await tested.until('the order is reserved', reserved);
    };
    const before = await tested.start(shop);
    assert.equal(await before.pause(Payments, because), true);
    assert.equal(await before.pause(Payments, because), false);
    await placeAndReserve(before, 'ada');
    await before.close();
    const runner = await tested.start(shop);
    await placeAndReserve(runner, 'bo');
    assert.equal(await stateOf(runner, 'payments'), 'paused');
    assert.equal(await runner.get(Payments).log.head(), 0);
    assert.equal(await runner.resume(Payments, because), true);
    await runner.caughtUp({ signal: tested.signal });
    await assertAllPaid(runner, ids);
  });
}

/** Notifications that are parked. */
export function parked(test: Test): void {
  test('parks a notification, handles others, and handles the parked one when it is retried', async (tested) => {
    const runner: ParkingRunner = await tested.start(parkingShop);
    const file = await tested.newFile();
    const failing = await placeFailing(runner, file);
    const other = await place(runner, 'ada');
    const paid = (id: string) => async () => (await runner.get(Orders).get(id)).paid;
    await tested.until('the other order is paid', async () => (await paid(other)()) === 1);
    const [one, ...more] = await parkedIn(runner);
    assert.deepEqual(more, []);
    assert.equal(one?.originatorId, failing);
    assert.equal(one.error?.name, 'RangeError');
    await writeFile(file, '');
    assert.equal(await runner.retry(ParkingReservations, {}, because), 1);
    await tested.until('the parked order is paid', async () => (await paid(failing)()) === 2);
    await tested.assertSound(parkingShop);
  });
}

async function parkedIn(runner: ParkingRunner): Promise<readonly ParkedEvent[]> {
  const found: ParkedEvent[] = [];
  for await (const one of runner.parked(ParkingReservations)) found.push(one);
  return found;
}
