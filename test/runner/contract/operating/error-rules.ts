import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DownstreamError, type Saved, type System, type SystemRunner, verify } from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Payments } from '../../../../examples/shop/payments.ts';
import type { Reservations } from '../../../../examples/shop/reservations.ts';
import { rejectionOf } from '../../../support/errors.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { inTime, until } from '../../../support/until.ts';
import { type Apps, assertAllDone, type RunnerSubject } from '../subject.ts';
import {
  impatientShop,
  NeedyReservations,
  needyShop,
  ParkingReservations,
  parkingShop,
  patientShop,
} from './needy-shop.ts';

const because = { by: 'ada', reason: 'a test' };
const parking = ParkingReservations as typeof Reservations;

/** What callers see of notifications that are parked or tried again. */
export function errorRules({ start, createStorage }: RunnerSubject): void {
  test('who waits for a parked notification gets an error that names it, and succeeds after a retry', async () => {
    const file = join(temporaryDirectory(), 'goods');
    const storage = createStorage();
    await using runner = await start(parkingShop as System<Apps>, { storage });
    const orders = [Order.place(file), Order.place('bob')];
    const [saved, other] = await savedBy(runner, orders);
    const parked = { code: 'NOTIFICATION_PARKED', applicationName: 'reservations', notificationId: 1 };
    const signal = inTime();
    const waits = [
      runner.settled(saved, { signal }),
      runner.processed(saved, { by: Payments, signal }),
      runner.caughtUp({ signal }),
    ];
    for (const error of await Promise.all(waits.map((wait) => rejectionOf(wait, DownstreamError))))
      expect(error.cause).toMatchObject(parked);
    await runner.settled(other, { signal });
    writeFileSync(file, '');
    expect(await runner.retry(parking, {}, because)).toBe(1);
    await runner.settled(saved, { signal });
    await runner.processed(saved, { by: Payments, signal });
    await runner.caughtUp({ signal });
    await assertAllDone(
      runner,
      orders.map(({ id }) => id),
    );
    expect((await verify(runner.storage, parkingShop)).faults).toEqual([]);
  });

  test('a class without rules shows what an earlier version has parked, until it is retried', async () => {
    const file = join(temporaryDirectory(), 'goods');
    const storage = createStorage();
    const first = await start(parkingShop as System<Apps>, { storage });
    const [saved] = await savedBy(first, [Order.place(file), Order.place('bob')]);
    await first.caughtUp({ signal: inTime() }).catch(() => {});
    await first.close();
    await using runner = await start(needyShop as System<Apps>, { storage });
    const signal = inTime();
    const needy = NeedyReservations as typeof Reservations;
    const parked = { code: 'NOTIFICATION_PARKED', applicationName: 'reservations', notificationId: 1 };
    const waits = [runner.settled(saved, { signal }), runner.caughtUp({ signal })];
    for (const error of await Promise.all(waits.map((wait) => rejectionOf(wait, DownstreamError))))
      expect(error.cause).toMatchObject(parked);
    writeFileSync(file, '');
    expect(await runner.retry(needy, {}, because)).toBe(1);
    await runner.processed(saved, { by: Payments, signal });
    await runner.caughtUp({ signal });
    expect(await runner.get(Payments).log.head()).toBe(2);
  });

  test('a policy that is tried again is interrupted, keeps the order, and continues', async () => {
    const file = join(temporaryDirectory(), 'goods');
    await using runner = await start(patientShop as System<Apps>, { storage: createStorage() });
    const orders = [Order.place(file), Order.place('bob')];
    const saves = orders.map((order) => runner.get(Orders).save(order));
    const reservations = async () => (await runner.status())[1];
    await until('it is interrupted', async () => (await reservations())?.state === 'interrupted');
    await until('the error is known', async () => (await reservations())?.lastError !== undefined);
    expect((await reservations())?.lastError).toMatchObject({ code: 'POLICY_RETRY', notificationId: 1 });
    expect(await runner.get(Orders).log.head()).toBe(2);
    writeFileSync(file, '');
    for (const save of saves) await runner.settled(await save, { signal: inTime() });
    await assertAllDone(
      runner,
      orders.map(({ id }) => id),
    );
  });

  test('a policy that fails after its tries has failed, and is not interrupted any longer', async () => {
    const file = join(temporaryDirectory(), 'goods');
    await using runner = await start(impatientShop as System<Apps>, { storage: createStorage() });
    const saving = runner.get(Orders).save(Order.place(file));
    await saving.catch((error: unknown) => expect(error).toBeInstanceOf(DownstreamError)); // on a single thread
    const reservations = async () => (await runner.status())[1];
    await until('it fails', async () => (await reservations())?.state === 'failed');
    expect(readFileSync(`${file}.tries`, 'utf8')).toBe('....');
    expect((await reservations())?.interruption).toBeUndefined();
  });
}

/** Saves orders one by one. On a single thread, a save rejects for which something is parked. */
async function savedBy(
  runner: SystemRunner<Apps>,
  orders: readonly Order[],
): Promise<readonly [Saved, Saved]> {
  const [first, second] = orders as readonly [Order, Order];
  const { applicationName } = Orders;
  let saved: Saved | undefined;
  await runner
    .get(Orders)
    .save(first)
    .then(
      (one) => {
        saved = one;
      },
      (error: unknown) => expect(error).toBeInstanceOf(DownstreamError),
    );
  const [recorded] = await runner.get(Orders).log.select(0, 1);
  const correlationId = recorded?.correlationId ?? '';
  saved ??= { applicationName, pipelineId: 0, notificationId: 1, count: 1, correlationId };
  return [saved, await runner.get(Orders).save(second)];
}
