import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  InvalidOptionError,
  type ParkedEvent,
  type ParkedFilter,
  type System,
  type SystemRunner,
} from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Payments } from '../../../../examples/shop/payments.ts';
import type { Reservations } from '../../../../examples/shop/reservations.ts';
import { rejectionOf } from '../../../support/errors.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { until } from '../../../support/until.ts';
import type { Apps, RunnerSubject } from '../subject.ts';
import { ParkingReservations, parkingShop } from './needy-shop.ts';

const because = { by: 'ada', reason: 'a test' };
const parking = ParkingReservations as typeof Reservations;

/** Retries and discards of parked notifications. */
export function parked({ start, createStorage }: RunnerSubject): void {
  test('parked notifications are read, retried and discarded by filters, on record', async () => {
    const file = join(temporaryDirectory(), 'goods');
    await using runner = await start(parkingShop as System<Apps>, { storage: createStorage() });
    const orders = [Order.place(file), Order.place(`${file} of none`), Order.place(file)];
    for (const order of orders)
      await runner
        .get(Orders)
        .save(order)
        .catch(() => {});
    await until('all are parked', async () => (await parkedIn(runner)).length === 3);
    const [first, second] = await parkedIn(runner);
    expect(first).toMatchObject({
      applicationName: 'reservations',
      pipelineId: 0,
      upstreamName: 'orders',
      notificationId: 1,
      originatorId: orders[0]?.id,
      events: [{ type: 'Order.Created', originatorId: orders[0]?.id, data: { customer: file } }],
      error: { name: 'RangeError', message: `no file ${file}` },
      behind: undefined,
      attempts: 1,
      since: expect.any(Number),
      isDue: false,
    });
    const ofSecond = { notificationId: 2, originatorId: second?.originatorId ?? '' };
    expect(await parkedIn(runner, { ...ofSecond, errorName: 'RangeError', upstream: Orders })).toHaveLength(
      1,
    );
    for (const none of [{ errorName: 'TypeError' }, { upstream: Payments }, { before: 1 }, { pipelineId: 7 }])
      expect(await parkedIn(runner, none)).toEqual([]);
    await rejectionOf(parkedIn(runner, { notificationId: 0 }), InvalidOptionError);
    await rejectionOf(runner.retry(parking, {}, {} as never), InvalidOptionError);
    expect(await runner.discard(parking, ofSecond, because)).toBe(1);
    expect(await runner.retry(parking, { errorName: 'TypeError' }, because)).toBe(0);
    writeFileSync(file, '');
    expect(await runner.retry(parking, {}, because)).toBe(2);
    await runner.caughtUp();
    expect(await parkedIn(runner)).toEqual([]);
    const done = await Promise.all(orders.map(async ({ id }) => (await runner.get(Orders).get(id)).done));
    expect(done).toEqual([true, false, true]);
    const kinds: [string, unknown][] = [];
    for await (const { kind, details } of runner.operations())
      if (kind !== 'retried') kinds.push([kind, details.notifications]);
    expect(kinds).toEqual([
      ['discard', [{ upstreamName: 'orders', notificationId: 2 }]],
      [
        'retry',
        [
          { upstreamName: 'orders', notificationId: 1 },
          { upstreamName: 'orders', notificationId: 3 },
        ],
      ],
    ]);
  });
}

async function parkedIn(runner: SystemRunner<Apps>, filter?: ParkedFilter): Promise<readonly ParkedEvent[]> {
  const found: ParkedEvent[] = [];
  for await (const one of runner.parked(parking, filter)) found.push(one);
  return found;
}
