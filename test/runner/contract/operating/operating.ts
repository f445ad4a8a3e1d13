import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidOptionError, RunnerClosedError, type System, type SystemRunner } from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Payments } from '../../../../examples/shop/payments.ts';
import type { Reservations } from '../../../../examples/shop/reservations.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import { rejectionOf } from '../../../support/errors.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { inTime, until } from '../../../support/until.ts';
import { type Apps, assertAllDone, type RunnerSubject } from '../subject.ts';
import { NeedyReservations, needyShop } from './needy-shop.ts';

const because = { by: 'ada', reason: 'a test' };

/** Operations on a running system. */
export function operating({ start, createStorage }: RunnerSubject): void {
  test('a paused application processes nothing, commands are recorded, and it continues where it was', async () => {
    const storage = createStorage();
    const ids: string[] = [];
    {
      await using runner = await start(shop, { storage });
      ids.push(await runner.get(Orders).place('first'));
      await runner.caughtUp();
      expect(await runner.pause(Payments, because)).toBe(true);
      expect(await runner.pause(Payments, { by: 'bob', reason: 'again' })).toBe(false);
    }
    await using runner = await start(shop, { storage }); // a pause outlives the runner
    const saved = await runner.get(Orders).save(Order.place('second'));
    await until('the order is reserved', async () => (await runner.get(Orders).log.head()) === 5);
    const late = AbortSignal.timeout(300);
    await expect(runner.processed(saved, { by: Payments, signal: late })).rejects.toThrow();
    const [, , payments] = await runner.status();
    expect(payments).toMatchObject({
      applicationName: 'payments',
      state: 'paused',
      pause: { ...because, since: expect.any(Number) },
    });
    expect(await runner.get(Payments).log.head()).toBe(1);
    const settled = runner.settled(saved, { signal: inTime() });
    expect(await runner.resume(Payments, { by: 'cy', reason: 'done' })).toBe(true);
    await settled;
    await runner.caughtUp();
    expect(await runner.get(Payments).log.head()).toBe(2);
    expect(await runner.resume(Payments, because)).toBe(false); // it is neither paused nor failed
    for (const { pause } of await runner.status()) expect(pause).toBeUndefined();
    await assertAllDone(runner, ids);
    const acts = await actsOf(runner);
    expect(acts).toEqual(['payments: pause by ada: a test', 'payments: resume by cy: done']);
  });

  test('an application that has failed continues when it is resumed', async () => {
    const file = join(temporaryDirectory(), 'goods');
    await using runner = await start(needyShop as System<Apps>, { storage: createStorage() });
    const id = await placeFailing(runner.get(Orders), file);
    const state = async () => (await runner.status())[1]?.state;
    await until('the application fails', async () => (await state()) === 'failed');
    expect(await runner.resume(NeedyReservations as typeof Reservations, because)).toBe(true);
    const tries = () => readFileSync(`${file}.tries`, 'utf8').length;
    await until('it fails again', async () => tries() > 1 && (await state()) === 'failed');
    writeFileSync(file, '');
    expect(await runner.resume(NeedyReservations as typeof Reservations, because)).toBe(true);
    await until('it is processed', async () => (await runner.get(Orders).get(id)).done);
    await runner.caughtUp();
    await until('it is idle', async () => (await state()) === 'idle');
    const acts = await actsOf(runner);
    expect(acts).toEqual(Array(2).fill('reservations: resume by ada: a test'));
  });

  test('operations are refused without an author and a reason, on other applications, and after close()', async () => {
    const runner = await start(shop, { storage: createStorage() });
    const bad = [{}, { by: 'ada' }, { by: '', reason: 'x' }, { by: 'ada', reason: 'x'.repeat(1_001) }];
    for (const options of bad) {
      await rejectionOf(runner.pause(Payments, options as never), InvalidOptionError);
      await rejectionOf(runner.resume(Payments, options as never), InvalidOptionError);
    }
    class Stranger extends Payments {}
    await expect(runner.pause(Stranger, because)).rejects.toMatchObject({ code: 'UNKNOWN_APPLICATION' });
    const reason = new Error('no time');
    const signal = AbortSignal.abort(reason);
    await expect(runner.pause(Payments, { ...because, signal })).rejects.toBe(reason);
    expect(await actsOf(runner)).toEqual([]);
    await runner.close();
    await rejectionOf(runner.pause(Payments, because), RunnerClosedError);
    await rejectionOf(runner.resume(Payments, because), RunnerClosedError);
    expect(() => runner.operations()).toThrow(RunnerClosedError);
  });
}

/** Places an order on which the policy fails; on a single thread, `save()` rejects. */
async function placeFailing(orders: Orders, file: string): Promise<string> {
  const order = Order.place(file);
  await orders.save(order).catch(() => {});
  return order.id;
}

/** Returns a line for each operation of people on record. */
async function actsOf(runner: SystemRunner<Apps>): Promise<readonly string[]> {
  const acts: string[] = [];
  for await (const { applicationName, kind, by, reason } of runner.operations())
    if (kind !== 'failed') acts.push(`${applicationName}: ${kind} by ${by}: ${reason}`);
  return acts;
}
