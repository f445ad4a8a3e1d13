import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { listOperations, run, type StorageDescription, type System, verify } from 'kahn';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listedOn } from '../../support/projections/listed-orders.ts';
import { type CustomerList, Order, type OrderList, Orders } from '../../support/projections/order-list.ts';
import { storages } from '../../support/storages.ts';
import { until } from '../../support/until.ts';

interface Report {
  readonly isLive: boolean;
  readonly state: string;
  readonly lag: number;
}

interface Host {
  readonly child: ChildProcess;
  last: Report | undefined;
}

function startHost(storage: StorageDescription, system: System, killBehind?: string): Host {
  const args = [JSON.stringify(storage), system.name, ...(killBehind === undefined ? [] : [killBehind])];
  const child = fork(new URL('schema-host.ts', import.meta.url), args);
  onTestFinished(() => void child.kill('SIGKILL'));
  const host: Host = { child, last: undefined };
  child.on('message', (report: Report) => {
    host.last = report;
  });
  return host;
}

async function stopHost({ child }: Host): Promise<void> {
  const exited = once(child, 'exit');
  child.send('close');
  await exited;
}

async function assertBuilt(
  storage: StorageDescription,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const { second, next } = listedOn(storage);
  await using runner = await run(second as System, { storage });
  await runner.caughtUp();
  const { schema, rows } = await (runner.get(next) as unknown as CustomerList).customers();
  expect(schema).toBe(2);
  const found = rows as readonly { customer: string; orders: unknown }[];
  expect(Object.fromEntries(found.map(({ customer, orders }) => [customer, Number(orders)]))).toEqual(counts);
  expect(String(await verify(storage, second as System))).toContain('0 lost, 0 doubled');
}

const dropsIn = async (storage: StorageDescription) => {
  let drops = 0;
  for await (const { kind } of listOperations(storage, listedOn(storage).second as System))
    if (kind === 'drop-schema') drops += 1;
  return drops;
};

const counts = { ada: 2, bob: 1, cyd: 1 };

async function withOrders(storage: StorageDescription): Promise<void> {
  await using runner = await run(listedOn(storage).first as System, { storage });
  await runner.get(Orders).save(['ada', 'bob', 'cyd', 'ada'].map((customer) => Order.place(customer)));
}

for (const { name, create } of storages.filter((one) => one.name !== 'memory')) {
  describe(`on ${name}`, () => {
    for (const killBehind of [
      'order_list__customers@2" (customer', // create()
      'order_list__customers@2" as c values', // a handler, of PostgreSQL
      'order_list__customers@2" values', // a handler, of SQLite
      'as select * from', // the switch
      'drop table if exists', // the end of the first schema
    ]) {
      test.skipIf(killBehind.endsWith('values') && killBehind.includes(' as c ') !== (name === 'postgres'))(
        `a program that is killed behind …${killBehind} is continued by the next one`,
        async () => {
          const storage = create();
          const { first, second, list } = listedOn(storage);
          await withOrders(storage);
          const [, signal] = (await once(startHost(storage, second as System, killBehind).child, 'exit')) as [
            unknown,
            string,
          ];
          expect(signal).toBe('SIGKILL');
          if (!killBehind.includes('drop')) {
            await using old = await run(first as System, { storage });
            expect(await (old.get(list) as unknown as OrderList).orders()).toHaveLength(4); // the live tables are whole
          }
          const host = startHost(storage, second as System);
          await until('the earlier schema is dropped', async () => (await dropsIn(storage)) === 1);
          await stopHost(host);
          await assertBuilt(storage, counts);
        },
      );
    }

    test('two versions of a program run in two processes, each with its own schema', async () => {
      const storage = create();
      const { first, second } = listedOn(storage);
      await withOrders(storage);
      const old = startHost(storage, first as System);
      await until('the old program runs', () => old.last?.isLive === true);
      const newer = startHost(storage, second as System);
      await using orders = await Orders.open({ storage });
      const saved: Record<string, number> = { ...counts };
      for (let i = 0; i < 50; i += 1) {
        await orders.save(Order.place(`customer ${i % 5}`));
        saved[`customer ${i % 5}`] = (saved[`customer ${i % 5}`] ?? 0) + 1;
      }
      await until('the new schema is live', () => newer.last?.isLive === true);
      await until('the first schema is dropped', async () => (await dropsIn(storage)) === 1);
      await orders.save(Order.place('ada'));
      await until('the old program stops', () => old.last?.state === 'failed');
      await until('the new program has listed all', () => newer.last?.lag === 0);
      for (const host of [old, newer]) await stopHost(host);
      await assertBuilt(storage, { ...saved, ada: 3 });
    });
  });
}
