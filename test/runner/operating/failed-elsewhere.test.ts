import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DownstreamError, listOperations, MultiprocessRunner, SingleThreadedRunner } from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { temporaryDirectory, temporarySqlite } from '../../support/storages.ts';
import { inTime, until } from '../../support/until.ts';
import { NeedyReservations, needyShop } from '../contract/operating/needy-shop.ts';

const because = { by: 'ada', reason: 'a test' };

test.each([
  ['SQLite', temporarySqlite],
  ['PostgreSQL', temporaryPostgres],
])(
  'a host on which an application works resumes it on the host where it has failed, on %s',
  async (_, create) => {
    const storage = create();
    const file = join(temporaryDirectory(), 'goods');
    await using troubled = await MultiprocessRunner.start(needyShop.bind(storage), {
      applications: [NeedyReservations],
      pollIntervalMs: 100,
    });
    const order = Order.place(file);
    await troubled.get(Orders).save(order);
    const state = async () => (await troubled.status())[1]?.state;
    await until('it fails', async () => (await state()) === 'failed');
    const kinds = () => kindsIn(storage);
    await until('the failure is on record', async () => (await kinds()).length === 1);
    await using sound = await SingleThreadedRunner.start(shop.bind(storage));
    await sound.caughtUp({ signal: inTime() });
    expect((await sound.status())[1]?.state).toBe('idle');
    expect(await state()).toBe('failed');
    writeFileSync(file, '');
    expect(await sound.resume(Reservations, because)).toBe(true);
    expect(await sound.resume(Reservations, because)).toBe(false);
    await until('it works there, too', async () => (await state()) === 'idle');
    expect(await kinds()).toEqual(['failed', 'resume']);
  },
);

test('a failure is on record once, however often the application fails before it is resumed', async () => {
  const storage = temporarySqlite();
  const file = join(temporaryDirectory(), 'goods');
  for (let start = 0; start < 3; start += 1) {
    await using runner = await SingleThreadedRunner.start(needyShop.bind(storage));
    await expect(runner.get(Orders).save(Order.place(file))).rejects.toThrow(DownstreamError);
  }
  expect(await kindsIn(storage)).toEqual(['failed']);
  writeFileSync(file, '');
  await using runner = await SingleThreadedRunner.start(needyShop.bind(storage));
  expect(await runner.resume(NeedyReservations, because)).toBe(true);
  expect(await kindsIn(storage)).toEqual(['failed', 'resume']);
});

async function kindsIn(storage: Parameters<typeof listOperations>[0]): Promise<readonly string[]> {
  const kinds: string[] = [];
  for await (const { kind } of listOperations(storage, shop)) kinds.push(kind);
  return kinds;
}
