import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DownstreamError,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
  type System,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { temporaryDirectory, temporarySqlite } from '../../support/storages.ts';
import * as invoicing from '../../support/systems/invoicing.ts';
import { inTime } from '../../support/until.ts';
import { ParkingReservations, parkingShop } from '../contract/operating/needy-shop.ts';

const because = { by: 'ada', reason: 'a test' };

for (const Runner of [SteppingSingleThreadedRunner, SteppingMultiThreadedRunner]) {
  describe(`a ${Runner.name} whose clock is paused`, () => {
    test('processes retried notifications for callers that wait', async () => {
      const file = join(temporaryDirectory(), 'goods');
      await using runner = await Runner.start(parkingShop, { storage: temporarySqlite(), paused: true });
      const orders = [Order.place(file), Order.place(file), Order.place(file)];
      const saved = await runner.get(Orders).save(...orders);
      await expect(runner.caughtUp()).rejects.toThrow(DownstreamError);
      writeFileSync(file, '');
      const [first, second, third] = orders.map(({ id: originatorId }) => ({ originatorId }));
      await runner.retry(ParkingReservations, first!, because);
      await expect(runner.caughtUp({ signal: inTime() })).rejects.toThrow(DownstreamError); // two stay parked
      expect((await runner.get(Orders).get(orders[0]!.id)).done).toBe(true);
      await runner.retry(ParkingReservations, second!, because);
      await runner.retry(ParkingReservations, third!, because);
      await runner.settled(saved, { signal: inTime() });
      expect((await runner.get(Orders).get(orders[2]!.id)).done).toBe(true);
      await runner.caughtUp({ signal: inTime() });
    });

    test('does not wait for retried notifications of a paused application', async () => {
      const file = join(temporaryDirectory(), 'goods');
      await using runner = await Runner.start(parkingShop, { storage: temporarySqlite(), paused: true });
      const saved = await runner.get(Orders).save(Order.place(file));
      await expect(runner.caughtUp()).rejects.toThrow(DownstreamError);
      await runner.pause(ParkingReservations, because);
      await runner.retry(ParkingReservations, {}, because);
      const paused = { cause: expect.objectContaining({ code: 'PAUSED' }) };
      await expect(runner.caughtUp({ signal: inTime() })).rejects.toMatchObject(paused);
      await expect(runner.settled(saved, { signal: inTime() })).rejects.toMatchObject(paused);
    });
  });
}

test('resets and replays take place in the same ticks on one thread and on several', async () => {
  const { system } = invoicing as { system: System };
  const invoices = system.applications[1]!;
  const fetched = [];
  for (const Runner of [SteppingSingleThreadedRunner, SteppingMultiThreadedRunner]) {
    const options = { storage: temporarySqlite(), paused: true, startTimeMs: 0, batchSize: 2 };
    await using runner = await Runner.start(system, options);
    await (runner.get(invoicing.Orders) as invoicing.Orders).place('ada', 'bob', 'cy');
    await runner.caughtUp();
    const steps = async (count: number) => {
      const ticks = [];
      for (let i = 0; i < count; i += 1) ticks.push((await runner.step()).applications[1]?.fetched);
      return ticks;
    };
    await runner.reset(invoices, { at: 'start', ...because });
    fetched.push(await steps(2));
    await runner.replay(invoices, because);
    fetched.push(await steps(4));
    const [, status] = await runner.status();
    expect(status?.replays ?? []).toEqual([]);
  }
  const expected = [
    [6, 0],
    [2, 2, 2, 0],
  ];
  expect(fetched).toEqual([...expected, ...expected]);
});
