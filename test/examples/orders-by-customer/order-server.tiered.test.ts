import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { verify } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ListedOrder } from '../../../examples/orders-by-customer/listed-order.ts';
import {
  type OrderDesk,
  openDesk,
  type PlacedOrder,
} from '../../../examples/orders-by-customer/order-desk.ts';
import { orderServer } from '../../../examples/orders-by-customer/order-server.ts';
import { postgresShop, sqliteShop } from '../../../examples/orders-by-customer/systems.ts';
import { temporaryDatabase } from '../../support/servers/postgres.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';

/** Serves a desk for the running test. Returns functions that send requests. */
async function serve(desk: OrderDesk) {
  const server = orderServer(desk).listen(0);
  onTestFinished(async () => server[Symbol.asyncDispose]());
  await once(server, 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const send = async (method: string, path: string, body?: string) => {
    const response = await fetch(url + path, { method, ...(body !== undefined && { body }) });
    return { status: response.status, content: (await response.json()) as unknown };
  };
  return {
    send,
    place: (customer: string) => send('POST', '/orders', JSON.stringify({ customer })),
    ordersOf: async (customer: string) =>
      (await send('GET', `/customers/${encodeURIComponent(customer)}/orders`))
        .content as readonly ListedOrder[],
  };
}

const databases = {
  sqlite: async () => join(temporaryDirectory(), 'orders.db'),
  postgres: temporaryDatabase,
};

const verifyIn = {
  sqlite: (file: string) => verify(sqlite({ file }), sqliteShop),
  postgres: (connectionString: string) => verify(postgres({ connectionString }), postgresShop),
};

interface Subject {
  readonly kind: keyof typeof databases;
  readonly usesThreads: boolean;
}
const subjects = byTier<readonly Subject[]>(
  [
    { kind: 'sqlite', usesThreads: false },
    { kind: 'postgres', usesThreads: true },
  ],
  [
    { kind: 'sqlite', usesThreads: true },
    { kind: 'postgres', usesThreads: false },
  ],
);

describe.each(subjects)(
  'orders by customer on $kind, with threads: $usesThreads',
  ({ kind, usesThreads }) => {
    test('clients that place orders at the same time read their own orders at once, and after a restart', async () => {
      const database = await databases[kind]();
      const customers = ['ada', 'bob', "Eve O'Neill / 100 %"];
      const listed = new Map<string, readonly ListedOrder[]>();
      {
        await using desk = await openDesk({ database, usesThreads, patienceMs: 120_000 });
        const client = await serve(desk);
        const orderAll = customers.map(async (customer) => {
          const ids: string[] = [];
          for (let i = 0; i < byTier(2, 10); i += 1) {
            const { status, content } = await client.place(customer);
            expect(status).toBe(201);
            ids.push((content as PlacedOrder).id);
            expect(await client.ordersOf(customer)).toEqual(ids.map((id) => ({ id, state: 'paid' })));
          }
          listed.set(customer, await client.ordersOf(customer));
        });
        await Promise.all(orderAll);
        expect(await client.ordersOf('nobody')).toEqual([]);
      }
      const verification = await verifyIn[kind](database);
      expect(String(verification)).toContain(': 0 lost, 0 doubled');
      await using desk = await openDesk({ database, usesThreads });
      for (const customer of customers) expect(await desk.ordersOf(customer)).toEqual(listed.get(customer));
    });
  },
);

test('refuses requests that it does not know, and hides its own errors', async () => {
  const desk: OrderDesk = {
    place: () => Promise.reject(new Error('password=secret')),
    ordersOf: async () => [],
    [Symbol.asyncDispose]: async () => {},
  };
  const { send, place } = await serve(desk);
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => logged.mockRestore());
  expect(await place('ada')).toEqual({ status: 500, content: { error: 'The shop failed. Try again.' } });
  expect(logged).toHaveBeenCalledOnce();
  const statusOf = async (...request: Parameters<typeof send>) => (await send(...request)).status;
  for (const body of ['', 'ada', 'null', '{}', '{"customer":""}', '{"customer":7}'])
    expect(await statusOf('POST', '/orders', body)).toBe(400);
  expect(await statusOf('POST', '/orders', `{"customer":"${'a'.repeat(10_000)}"}`)).toBe(413);
  expect(await statusOf('GET', '/orders')).toBe(404);
  expect(await statusOf('GET', '/customers/ada')).toBe(404);
  expect(await statusOf('DELETE', '/customers/ada/orders')).toBe(404);
  expect(await statusOf('GET', '/customers/%E0%A4/orders')).toBe(400);
});

test('an order that is recorded, but not listed in time, is accepted', async () => {
  const desk: OrderDesk = {
    place: async () => ({ id: 'order-1', isListed: false }),
    ordersOf: async () => [],
    [Symbol.asyncDispose]: async () => {},
  };
  const { place } = await serve(desk);
  expect(await place('ada')).toEqual({ status: 202, content: { id: 'order-1' } });
});
