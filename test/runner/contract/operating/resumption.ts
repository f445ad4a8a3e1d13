import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Payments } from '../../../../examples/shop/payments.ts';
import type { Reservations } from '../../../../examples/shop/reservations.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { inTime, until } from '../../../support/until.ts';
import { type Apps, assertAllDone, type RunnerSubject } from '../subject.ts';
import { NeedyReservations, needyShop } from './needy-shop.ts';

const because = { by: 'ada', reason: 'the goods are there' };

/** A failure is over as soon as `resume()` resolves. */
export function resumption({ start, createStorage }: RunnerSubject): void {
  test('no call reports a failure after resume(), and all of them wait for the application that was resumed', async () => {
    const directory = temporaryDirectory();
    await using runner = await start(needyShop as System<Apps>, { storage: createStorage() });
    const stateOfReservations = async () => (await runner.status())[1]?.state;
    const ids: string[] = [];
    for (const name of ['corn', 'milk', 'salt', 'wine']) {
      const file = join(directory, name);
      const order = Order.place(file);
      await runner
        .get(Orders)
        .save(order)
        .catch(() => {}); // on a single thread, it waits for the policy, which fails
      await until('the policy has failed', async () => (await stateOfReservations()) === 'failed');
      writeFileSync(file, '');
      expect(await runner.resume(NeedyReservations as typeof Reservations, because)).toBe(true);
      const signal = inTime();
      const [state] = await Promise.all([stateOfReservations(), runner.caughtUp({ signal })]);
      expect(state).not.toBe('failed');
      const saved = await runner.get(Orders).save(Order.place('bob'));
      await Promise.all([
        runner.settled(saved, { signal }),
        runner.processed(saved, { by: Payments, signal }),
      ]);
      ids.push(order.id);
    }
    await assertAllDone(runner, ids);
  });
}
