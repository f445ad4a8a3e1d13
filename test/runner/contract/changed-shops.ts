import { explain, type StorageDescription, type System, type SystemRunner, verify } from 'kahn';
import { openStorage } from 'kahn/storage';
import { canonicalHistories } from 'kahn/testing';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { renamedSealedShop, renamedShop, Sales, sealedShop } from '../../support/systems/changed/shops.ts';
import { type Apps, customers, type RunnerSubject } from './subject.ts';

/** A version of the shop, and the class of its orders. */
interface Version {
  readonly system: System<Apps>;
  readonly orders: typeof Orders;
}

const versions = {
  shop: { system: shop, orders: Orders },
  sealed: { system: sealedShop, orders: Orders },
  renamed: { system: renamedShop as unknown as System<Apps>, orders: Sales as unknown as typeof Orders },
  'renamed and sealed': {
    system: renamedSealedShop as unknown as System<Apps>,
    orders: Sales as unknown as typeof Orders,
  },
} satisfies Record<string, Version>;

/** Runs a version of the shop, and places an order of each customer. Returns their ids. */
async function place(
  { start }: RunnerSubject,
  { system, orders }: Version,
  storage: StorageDescription,
  names: readonly string[],
): Promise<string[]> {
  await using runner = await start(system, { storage });
  const ids: string[] = [];
  for (const name of names) ids.push(await runner.get(orders).place(name));
  await runner.caughtUp();
  for (const id of ids) expect(await runner.get(orders).get(id)).toMatchObject({ done: true, version: 3 });
  return ids;
}

function allHistories(runner: SystemRunner<Apps>, { system }: Version): Promise<readonly string[]> {
  return canonicalHistories(
    system.applications.map((kind) => runner.get(kind)),
    { causes: true },
  );
}

/** All that the storage keeps of an application, as it keeps it. */
async function storedTexts(storage: StorageDescription, applicationName: string): Promise<string> {
  const opened = await openStorage(storage);
  const recorder = await opened.openRecorder({ applicationName, setupTables: false });
  const stored = [await recorder.notifications(0, 0, 1_000), await recorder.positions()];
  await recorder.close();
  await opened.close();
  return JSON.stringify(stored);
}

const [early, late] = [customers.slice(0, 3), customers.slice(3, 6)];

/** Shops that continue the logs of a shop that was changed. */
export function changedShops(subject: RunnerSubject): void {
  test.each([
    ['sealed', versions.shop, versions.sealed],
    ['renamed', versions.shop, versions.renamed],
    ['renamed and sealed', versions.sealed, versions['renamed and sealed']],
  ])('a shop that was %s continues', async (_, before, after) => {
    const storage = subject.createStorage();
    const [firstId = ''] = await place(subject, before, storage, early);
    await place(subject, after, storage, late);
    expect((await verify(storage, after.system)).faults).toEqual([]);
    const { applicationName } = after.orders;
    const explanation = await explain({ storage, system: after.system }, applicationName, 1);
    expect(explanation.event).toMatchObject({ applicationName, originatorId: firstId });
    expect(String(explanation)).toMatch(/reservations.*\n.*Order\.Reserved/);
    await using runner = await subject.start(after.system, { storage });
    const continued = await allHistories(runner, after);
    await using fresh = await subject.start(after.system.bind(subject.createStorage()), {});
    for (const name of [...early, ...late]) await fresh.get(after.orders).place(name);
    await fresh.caughtUp();
    expect(continued).toEqual(await allHistories(fresh, after));
  });

  test('a storage shows nothing of what is encrypted', async () => {
    const storage = subject.createStorage();
    await place(subject, versions.shop, storage, ['ada']);
    await place(subject, versions.sealed, storage, ['grace']);
    const stored = await storedTexts(storage, 'orders');
    expect([stored.includes('ada'), stored.includes('grace')]).toEqual([true, false]);
    expect(stored).toContain('e1:k1:');
  });
}
