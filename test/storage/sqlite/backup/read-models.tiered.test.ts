import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MultiprocessRunner, MultiThreadedRunner, SingleThreadedRunner, verify } from 'kahn';
import { backup, sqlite } from 'kahn/sqlite';
import { beforeEach, expect, test } from 'vitest';
import { openStorage, type StorageDescription } from '../../../../src/storage/storage.ts';
import { lower, raise, storeFlagsIn } from '../../../runner/multi-threaded/file-flags.ts';
import { assertSound } from '../../../support/logs.ts';
import { type SqliteLayout, sqliteLayouts, temporaryDirectory } from '../../../support/storages.ts';
import { life } from '../../../support/systems/life/sqlite-1.ts';
import { byTier } from '../../../support/tier.ts';
import { until } from '../../../support/until.ts';
import { fileIn, fill } from './running-shop.ts';

const { system, Orders, Deliveries, OrderList } = life;
const runners = [SingleThreadedRunner, MultiThreadedRunner, MultiprocessRunner] as const;
const because = { by: 'ada', reason: 'the strike is over' };

beforeEach(() => {
  storeFlagsIn(temporaryDirectory());
  raise('strike');
});

/** Starts the system in one thread. */
const start = (storage: StorageDescription) => SingleThreadedRunner.start(system, { storage });
type Runner = Awaited<ReturnType<typeof start>>;

/** Places orders, one at a time, until it is stopped. Orders of remote customers are parked during the strike. */
class Customer {
  readonly #name: string;
  readonly #runner: Runner;
  readonly placed: string[] = [];
  isStopped = false;

  constructor(name: string, runner: Runner) {
    this.#name = name;
    this.#runner = runner;
  }

  async shop(): Promise<void> {
    for (let i = 0; !this.isStopped; i += 1) {
      const name = `${i % 3 === 0 ? 'remote' : 'near'} ${this.#name} ${i}`;
      await place(this.#runner, name);
      this.placed.push(name);
    }
  }
}

/** On a single thread, a save rejects for which something is parked. */
async function place(runner: Runner, ...customers: readonly string[]): Promise<void> {
  for (const customer of customers)
    await runner
      .get(Orders)
      .place(customer)
      .catch((error: unknown) => expect(error).toMatchObject({ code: 'DOWNSTREAM_FAILED' }));
}

interface Placed {
  readonly id: number;
  readonly customer: string;
}

/** Reads what a storage holds, while no runner processes it. */
async function contentOf(storage: StorageDescription) {
  await using opened = new AsyncDisposableStack();
  const openedStorage = await openStorage(storage);
  opened.defer(() => openedStorage.close());
  const open = async (applicationName: string) => {
    const recorder = await openedStorage.openRecorder({ applicationName, setupTables: false });
    opened.defer(() => recorder.close());
    return recorder;
  };
  const [orders, deliveries, list] = [
    await open('orders'),
    await open('deliveries'),
    await open('order-list@1'),
  ];
  const placed: Placed[] = [];
  for (const { id, type, data } of await orders.notifications(0, 0, 100_000))
    if (type === 'Order.Placed') placed.push({ id, customer: JSON.parse(data).customer });
  const parked = (await deliveries.parked?.({ pipelineId: 0, after: 0, limit: 100_000 })) ?? [];
  return {
    placed,
    parked: parked.map(({ notificationId }) => notificationId),
    delivered: (await deliveries.position(0, 'orders')).position,
    listed: (await list.position(0, 'orders')).position,
  };
}

const customersIn = (placed: readonly Placed[]) => placed.map(({ customer }) => customer).sort();
const isRemote = ({ customer }: Placed) => customer.startsWith('remote');

/** Checks that rows, projection, parked notifications and positions fit together. Resolves with the customers. */
async function expectFitting(storage: StorageDescription): Promise<readonly string[]> {
  await assertSound(storage, system);
  const { placed, parked, delivered, listed } = await contentOf(storage);
  const handled = placed.filter(({ id }) => id <= delivered);
  expect(parked.sort((a, b) => a - b)).toEqual(handled.filter(isRemote).map(({ id }) => id));
  await using list = await system.open(OrderList, { storage });
  expect((await list.list()).rows).toEqual(customersIn(placed.filter(({ id }) => id <= listed)));
  await using deliveries = await system.open(Deliveries, { storage });
  expect(await deliveries.tours()).toEqual(customersIn(handled.filter((one) => !isRemote(one))));
  return customersIn(placed);
}

/** Ends the strike, and checks that a runner on the storage delivers everything once. */
async function expectContinued(storage: StorageDescription, customers: readonly string[]): Promise<void> {
  const parkedIn = async (runner: Runner) => {
    const ids: number[] = [];
    for await (const { notificationId } of runner.parked(Deliveries)) ids.push(notificationId);
    return ids;
  };
  const remote = customers.filter((one) => one.startsWith('remote'));
  await using runner = await start(storage);
  await until('the rest is parked', async () => (await parkedIn(runner)).length === remote.length);
  lower('strike');
  expect(await runner.retry(Deliveries, {}, because)).toBe(remote.length);
  await until('nothing is parked', async () => (await parkedIn(runner)).length === 0);
  await runner.caughtUp();
  expect(await runner.get(Deliveries).tours()).toEqual(customers);
  expect((await runner.get(OrderList).list()).rows).toEqual(customers);
  expect(await runner.get(Deliveries).log.head()).toBe(customers.length);
  await runner.close();
  await assertSound(storage, system);
}

test.each(runners.slice(0, byTier(1, 3)).map((one) => [one.name, one] as const))(
  'a copy holds rows, projection and parked notifications of one moment, and a runner continues from it, with %s',
  async (_, runnerClass) => {
    const directory = temporaryDirectory();
    const [storage, copy] = [fileIn(directory), fileIn(directory, 'copy.db')];
    let before: readonly string[];
    {
      await using runner = (await runnerClass.start(system as never, {
        storage,
        batchSize: 3,
      })) as unknown as Runner;
      fill(storage, byTier(20, 50));
      const customers = ['ada', 'bob', 'cy'].map((name) => new Customer(name, runner));
      const shopping = Promise.all(customers.map((customer) => customer.shop()));
      const placed = () => customers.flatMap((customer) => customer.placed);
      await until('some orders are delivered', async () => (await runner.get(Deliveries).log.head()) > 10);
      before = placed();
      await backup(storage, copy.path);
      for (const customer of customers) customer.isStopped = true;
      await shopping;
    }
    const copied = await expectFitting(copy);
    expect(before.filter((name) => !copied.includes(name))).toEqual([]);
    await expectContinued(copy, copied);
  },
);

test('a copy in the place of a newer file brings back what was parked, and each order is delivered once', async () => {
  const directory = temporaryDirectory();
  const [storage, copy] = [fileIn(directory), fileIn(directory, 'copy.db')];
  const customers = ['near 1', 'remote 2', 'near 3', 'remote 4'];
  {
    await using runner = await start(storage);
    await place(runner, ...customers);
    await backup(storage, copy.path);
    lower('strike');
    await runner.retry(Deliveries, { notificationId: 3 }, because);
    await place(runner, 'remote 5');
    raise('strike');
  }
  for (const end of ['', '-wal', '-shm']) rmSync(`${storage.path}${end}`, { force: true });
  copyFileSync(copy.path, storage.path);
  expect(await expectFitting(storage)).toEqual(customers.toSorted());
  await expectContinued(storage, customers.toSorted());
});

test('with a file for each application, an older file in the place of a newer one is detected or healed', async () => {
  const directory = temporaryDirectory();
  const [, { optionsIn, fileOf }] = sqliteLayouts as [SqliteLayout, SqliteLayout];
  const older = temporaryDirectory();
  const newer = temporaryDirectory();
  const storage = sqlite({ ...optionsIn(directory), synchronous: 'NORMAL' });
  const copyAll = (from: string, to: string) => {
    for (const file of readdirSync(from)) copyFileSync(join(from, file), join(to, file));
  };
  const customers = ['near 1', 'remote 2', 'near 3', 'remote 4'];
  for (const [round, target] of [older, newer].entries()) {
    await using runner = await start(storage);
    await place(runner, ...customers.slice(2 * round, 2 * round + 2));
    await runner.close();
    copyAll(directory, target);
  }
  const restore = (applicationName: string) => {
    copyAll(newer, directory);
    const file = fileOf(directory, applicationName).path;
    copyFileSync(join(older, basename(file)), file);
  };
  const kindsIn = async () => new Set((await verify(storage, system)).faults.map(({ kind }) => kind));
  const unfit = async () => {
    await using runner = await start(storage);
    const all = (await runner.status()).flatMap(({ applicationName, upstreams }) =>
      upstreams.map((one) => ({ ...one, applicationName })),
    );
    return all
      .filter(({ fitsLog }) => fitsLog === false)
      .map((one) => `${one.applicationName} in ${one.upstreamName}`);
  };

  restore('orders'); // both followers have processed and parked what is lost
  expect(await kindsIn()).toEqual(new Set(['position-beyond-head', 'parked-lost', 'cause-lost']));
  expect(await unfit()).toEqual(['deliveries in orders', 'order-list in orders']);

  restore('deliveries'); // orders have followed what is lost
  expect(await kindsIn()).toEqual(new Set(['position-beyond-head', 'cause-lost']));
  expect(await unfit()).toEqual(['orders in deliveries']);

  restore('order-list@1'); // rows and position are of one moment: the projection lists the rest again
  expect(await kindsIn()).toEqual(new Set());
  await expectContinued(storage, customers.toSorted());
});
