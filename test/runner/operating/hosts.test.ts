import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { listOperations, SingleThreadedRunner, verify } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { expect, test, vi } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { ControlLog } from '../../../src/application/control/control-log.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { temporaryDirectory, temporarySqlite } from '../../support/storages.ts';
import { inTime, until } from '../../support/until.ts';
import { NeedyReservations, needyShop } from '../contract/operating/needy-shop.ts';

const because = { by: 'ada', reason: 'a test' };

test('two hosts on one storage obey the same pause and resumption, and one of two calls wins', async () => {
  const storage = temporarySqlite();
  const options = { pollIntervalMs: 100 };
  await using one = await SingleThreadedRunner.start(shop.bind(storage), options);
  await using other = await SingleThreadedRunner.start(shop.bind(storage), options);
  const paused = await Promise.all([one.pause(Payments, because), other.pause(Payments, because)]);
  expect(paused.toSorted()).toEqual([false, true]);
  for (const runner of [one, other]) {
    const states = (await runner.status()).map(({ state }) => state);
    expect(states[2]).toBe('paused');
  }
  const saved = await other.get(Orders).save(Order.place('ada'));
  await delay(300);
  expect(await one.get(Payments).log.head()).toBe(0);
  const resumed = await Promise.all([one.resume(Payments, because), other.resume(Payments, because)]);
  expect(resumed.toSorted()).toEqual([false, true]);
  await one.settled(saved, { signal: inTime() });
  expect(await one.get(Payments).log.head()).toBe(1);
});

test('an application that has failed on two hosts is resumed on both by one call', async () => {
  const storage = temporarySqlite();
  const file = join(temporaryDirectory(), 'goods');
  await using one = await SingleThreadedRunner.start(needyShop.bind(storage), { pollIntervalMs: 100 });
  await using other = await SingleThreadedRunner.start(needyShop.bind(storage), { pollIntervalMs: 100 });
  const order = Order.place(file);
  await one
    .get(Orders)
    .save(order)
    .catch(() => {});
  const states = async () =>
    Promise.all([one, other].map(async (runner) => (await runner.status())[1]?.state));
  await until('both fail', async () => (await states()).every((state) => state === 'failed'));
  writeFileSync(file, '');
  expect(await other.resume(NeedyReservations, because)).toBe(true);
  await until('both continue', async () => (await states()).every((state) => state === 'idle'));
  await one.caughtUp();
  expect((await one.get(Orders).get(order.id)).done).toBe(true);
});

test('a pause is read once a second, however long it lasts', async () => {
  const storage = temporarySqlite();
  await using runner = await SingleThreadedRunner.start(shop.bind(storage));
  await runner.pause(Payments, because);
  const refreshes = vi.spyOn(ControlLog.prototype, 'refresh');
  await delay(2_200);
  expect(refreshes.mock.calls.length).toBeLessThanOrEqual(3 * 3); // three applications
  refreshes.mockRestore();
});

test('a host that is killed around operations leaves a valid state', async () => {
  const file = join(temporaryDirectory(), 'shop.db');
  const storage = sqlite({ file, synchronous: 'NORMAL' });
  const child = fork(new URL('operator-child.ts', import.meta.url), [file], {
    execArgv: ['--conditions=kahn-source'],
  });
  await once(child, 'message');
  await delay(randomNumbers(seed)() * 100);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const acts: [number, string][] = [];
  for await (const { id, kind } of listOperations(storage, shop)) acts.push([id, kind]);
  expect(acts).toEqual(acts.map((_, i) => [i + 1, i % 2 === 0 ? 'pause' : 'resume']));
  await using runner = await SingleThreadedRunner.start(shop.bind(storage));
  const isPaused = acts.at(-1)?.[1] === 'pause';
  expect((await runner.status())[2]?.state).toBe(isPaused ? 'paused' : 'idle');
  expect(await runner.resume(Payments, because)).toBe(isPaused);
  await runner.caughtUp();
  expect((await runner.status()).flatMap(({ upstreams }) => upstreams.map(({ lag }) => lag))).toEqual([
    0, 0, 0, 0,
  ]);
  await runner.close();
  const { faults } = await verify(storage, shop);
  expect(faults).toEqual([]);
});
