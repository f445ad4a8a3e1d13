import {
  Application,
  type DomainEvent,
  memory,
  ProcessApplication,
  reposition,
  run,
  type StorageDescription,
  System,
  verify,
} from 'kahn';
import { openStorage } from 'kahn/storage';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { temporarySqlite } from '../../support/storages.ts';
import { renamedShop, Sales } from '../../support/systems/changed/shops.ts';
import { until } from '../../support/until.ts';

async function rawNames(storage: StorageDescription): Promise<readonly string[]> {
  const opened = await openStorage(storage);
  const names = await opened.applicationNames();
  await opened.close();
  return names;
}

test('programs of the old and of the new name run side by side', async () => {
  const storage = temporarySqlite();
  await using before = await run(shop, { storage });
  await using after = await run(renamedShop, { storage });
  const placed = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      index % 2 === 0 ? before.get(Orders).place(`${index}`) : after.get(Sales).place(`${index}`),
    ),
  );
  for (const id of placed) {
    await until('the order is done', async () => (await before.get(Orders).get(id)).done);
    await until('the order is done', async () => (await after.get(Sales).get(id)).done);
  }
  expect(await rawNames(storage)).toEqual(['orders', 'payments', 'reservations']);
  expect([await before.get(Orders).log.head(), await after.get(Reservations).log.head()]).toEqual([30, 10]);
  const statuses = await after.status();
  expect(statuses.map(({ applicationName }) => applicationName)).toContain('sales');
  await after.caughtUp();
  await before.caughtUp();
  for (const system of [shop, renamedShop])
    expect((await verify(storage, system as typeof shop)).faults).toEqual([]);
});

test('a notification that is handled again under the new name makes no second aggregate', async () => {
  const storage = memory();
  await (async () => {
    await using runner = await run(shop, { storage });
    await runner.get(Orders).place('ada');
    await runner.caughtUp();
  })();
  const because = { by: 'ada', reason: 'to handle the order again' };
  await reposition(storage, renamedShop, Reservations, { upstream: Sales, at: 0, ...because });
  await using runner = await run(renamedShop, { storage });
  await expect(runner.caughtUp()).rejects.toMatchObject({ code: 'DOWNSTREAM_FAILED' }); // the id is taken
  expect(await runner.get(Reservations).log.head()).toBe(1);
});

class Other extends Application<DomainEvent<'Made'>> {
  static readonly applicationName: string = 'other';
  static readonly emits = ['Made'] as const;
}

test.each([
  ["'static readonly recordedAs' of class", { recordedAs: '' }, Orders],
  ["is recorded as 'orders', which is the name of class Orders", { recordedAs: 'orders' }, Orders],
  ["Class Sales is recorded as 'orders', which is the log of class", { recordedAs: 'orders' }, Sales],
])('a system refuses a recorded name: %s', (message, fields, known) => {
  const renamed = Object.assign(class extends Other {}, fields);
  expect(() => System.of([[renamed], [known as unknown as typeof Other]] as never)).toThrow(message);
});

test('a storage that also has a log with the new name is refused', async () => {
  const storage = memory();
  await using opened = await Other.open({ storage });
  class Renamed extends Other {
    static readonly recordedAs = 'former';
  }
  await expect(Renamed.open({ storage })).rejects.toMatchObject({
    code: 'INVALID_STORAGE',
    message: expect.stringContaining(
      "'other' is recorded as 'former', but the storage also has a log 'other'",
    ),
  });
  await opened.close();
});

test('a follower that does not know the recorded name of its upstream is refused', async () => {
  class Sold extends Other {
    static override readonly applicationName = 'sold';
    static readonly recordedAs = 'former';
  }
  class Follower extends ProcessApplication<DomainEvent<'Seen'>, DomainEvent<'Made'>> {
    static readonly applicationName = 'follower';
    static readonly emits = ['Seen'] as const;
    override readonly policy = this.when({ Made: () => undefined });
  }
  const storage = memory();
  await using sold = await Sold.open({ storage });
  await using alone = await Follower.open({ storage });
  expect(() => alone.follow(sold.log)).toThrow(
    /'sold', which is recorded as 'former': open it with open\(\)/,
  );
  await using together = await System.of([
    [Sold as unknown as unknown as typeof Other, Follower],
  ] as never).open(Follower as never, { storage });
  (together as unknown as Follower).follow(sold.log);
});
