import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { run, type StorageDescription, type System, type SystemRunner, verify } from 'kahn';
import { describe, expect, test } from 'vitest';
import { listedOn } from '../../support/projections/listed-orders.ts';
import { type CustomerList, Order, Orders } from '../../support/projections/order-list.ts';
import { storages } from '../../support/storages.ts';
import { inTime, until } from '../../support/until.ts';
import { runners } from './runners.ts';

const because = { by: 'bob', reason: 'a test' };
const names = Object.keys(runners) as readonly (keyof typeof runners)[];

/** Starts a program that pauses the projection while it is being built, and kills it. */
async function pauseAndKill(storage: StorageDescription, runnerName: string): Promise<void> {
  const { slow } = listedOn(storage);
  const program = new URL('pausing-host.ts', import.meta.url);
  const child = fork(program, [JSON.stringify(storage), runnerName, slow.name], {
    execArgv: ['--conditions=kahn-source'],
  });
  const [message] = await once(child, 'message', { signal: inTime() });
  expect(message).toBe('paused');
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

describe.each(storages.filter(({ name }) => name !== 'memory'))(
  'a projection that is being built on $name',
  ({ create }) => {
    test.each(names)(
      'is paused on a %s, also after SIGKILL, and built on when it is resumed',
      async (name) => {
        const storage = create();
        const { first, second, next } = listedOn(storage);
        const customers = Array.from({ length: 20 }, (_, i) => `customer ${String.fromCharCode(97 + i)}`);
        {
          await using runner = await run(first as System, { storage });
          await (runner as unknown as SystemRunner<typeof Orders>)
            .get(Orders)
            .save(customers.map((customer) => Order.place(customer)));
        }
        await pauseAndKill(storage, name);
        const options = { storage, pollIntervalMs: 20 };
        await using runner = (await runners[name].start(
          second as System,
          options,
        )) as unknown as SystemRunner<typeof Orders | typeof CustomerList>;
        const List = next as unknown as typeof CustomerList;
        const status = async () => (await runner.status())[1];
        expect(await status()).toMatchObject({ state: 'paused', building: { schema: 2, live: 1 } });
        const saved = await runner.get(Orders).save(Order.place('customer a'));
        await runner.settled(saved, { signal: inTime() }); // does not wait for what is being built
        await delay(1_500); // an application that obeys late would have built everything
        const position = (await status())?.upstreams[0]?.position ?? 0;
        expect(position).toBeGreaterThan(0);
        expect(position).toBeLessThan(customers.length); // a worker of the killed program may have ended its batch
        expect(await runner.get(List).customers()).toMatchObject({ schema: 1, rows: { length: 20 } });
        const processed = runner.processed(saved, { by: List, signal: inTime() });
        expect(await runner.resume(List, because)).toBe(true);
        await processed;
        await until('the schema is live', async () => (await status())?.building === undefined);
        const { schema, rows } = await runner.get(List).customers();
        const found = rows as readonly { customer: string; orders: unknown }[];
        expect([schema, found.map(({ customer, orders }) => [customer, Number(orders)])]).toEqual([
          2,
          customers.map((customer) => [customer, customer === 'customer a' ? 2 : 1]),
        ]);
        expect(String(await verify(storage, second as System))).toContain('0 lost, 0 doubled');
      },
    );
  },
);
