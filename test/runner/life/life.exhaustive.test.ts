import { MultiprocessRunner, memory, run, type StorageDescription } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { assertSound } from '../../support/logs.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { temporaryDirectory, temporarySqlite } from '../../support/storages.ts';
import type { lifeOf } from '../../support/systems/life/life.ts';
import { life as postgresFirst } from '../../support/systems/life/postgres-1.ts';
import { life as postgresSecond } from '../../support/systems/life/postgres-2.ts';
import { life as sqliteFirst } from '../../support/systems/life/sqlite-1.ts';
import { life as sqliteSecond } from '../../support/systems/life/sqlite-2.ts';
import { patient } from '../../support/until.ts';
import { watchProcesses } from '../../support/watchers/processes.ts';
import { lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';

type Life = ReturnType<typeof lifeOf>;

const cases = [
  { name: 'SQLite', create: temporarySqlite, first: sqliteFirst, second: sqliteSecond },
  { name: 'PostgreSQL', create: temporaryPostgres, first: postgresFirst, second: postgresSecond },
];
const by = 'ada';
const customersOf = (time: string) =>
  Array.from({ length: 40 }, (_, i) => `${i % 4 === 0 ? 'remote' : 'near'} ${time} ${i}`);
const customers = ['first', 'second', 'third'].flatMap(customersOf);

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of items) found.push(one);
  return found;
}

/** What a system has recorded in the end. */
async function endOf({ Orders, Deliveries, OrderList }: Life, runner: Awaited<ReturnType<typeof startIn>>) {
  const orders = runner.get(Orders);
  const deliveries = runner.get(Deliveries);
  return {
    histories: await canonicalHistories([orders, deliveries], { causes: true }),
    tours: await deliveries.tours(),
    list: await runner.get(OrderList).list(),
  };
}

const startIn = (life: Life, storage: StorageDescription) =>
  MultiprocessRunner.start(life.system.bind(storage), { pollIntervalMs: 20, batchSize: 7 });

describe.each(cases)('the life of a system on $name', ({ create, first, second }) => {
  test('with a strike, killed processes, a pause and a new schema ends as one without', async () => {
    storeFlagsIn(temporaryDirectory());
    const storage = create();
    const workers = watchProcesses();
    const killOne = () => [...workers][0]?.kill('SIGKILL');
    raise('strike');
    {
      const { Orders, Deliveries, OrderList } = first;
      await using runner = await startIn(first, storage);
      const place = (time: string) =>
        Promise.all(customersOf(time).map((one) => runner.get(Orders).place(one)));
      const parked = async () => (await all(runner.parked(Deliveries))).length;
      const placing = place('first');
      expect(killOne()).toBe(true);
      await placing;
      await expect.poll(parked, patient).toBe(10);

      expect(await runner.pause(Deliveries, { by, reason: 'strike' })).toBe(true);
      await place('second');
      expect(killOne()).toBe(true);
      await expect.poll(async () => (await runner.get(OrderList).list()).rows.length, patient).toBe(80);
      expect(await runner.resume(Deliveries, { by, reason: 'others work' })).toBe(true);
      await expect.poll(parked, patient).toBe(20);
    }
    {
      const { Orders, Deliveries, OrderList } = second;
      await using runner = await startIn(second, storage);
      const parked = async () => (await all(runner.parked(Deliveries))).length;
      await Promise.all(customersOf('third').map((one) => runner.get(Orders).place(one)));
      expect(killOne()).toBe(true);
      await expect.poll(parked, patient).toBe(30);
      lower('strike');
      expect(await runner.retry(Deliveries, {}, { by, reason: 'the strike is over' })).toBe(30);
      expect(killOne()).toBe(true);
      await expect.poll(parked, patient).toBe(0);
      await runner.caughtUp();
      await expect.poll(async () => (await runner.get(OrderList).list()).schema, patient).toBe(2);
      const kinds = (await all(runner.operations())).map(({ kind }) => kind);
      expect(kinds).toEqual(expect.arrayContaining(['pause', 'resume', 'retry']));
      const end = await endOf(second, runner);
      expect(end).toEqual(await undisturbedEnd());
    }
    await assertSound(storage, second.system);
  });
});

/** Runs the same commands in one thread, without any trouble. */
async function undisturbedEnd() {
  const life = sqliteSecond;
  await using runner = await run(life.system.bind(memory()));
  for (const customer of customers) await runner.get(life.Orders).place(customer);
  return await endOf(life, runner as never);
}
