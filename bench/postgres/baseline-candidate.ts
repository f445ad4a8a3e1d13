import assert from 'node:assert/strict';
import pg from 'pg';
import { timed, timedWaves } from '../measure.ts';
import type { Logs } from '../verify-logs.ts';
import type { Candidate } from '../workloads.ts';
import { PostgresLog } from './baseline-log.ts';
import { PostgresShop, placeOrders } from './baseline-shop.ts';

/** The hand-written shop on one connection to PostgreSQL. */
export function postgresBaseline(connectionString: string, schema: string): Candidate {
  const connect = () => connected(connectionString);
  return {
    async oneByOne(customers) {
      const first = await connect();
      const { orders } = await PostgresShop.open(first, schema);
      const commands = await timed(async () => {
        for (const customer of customers) await placeOrders(orders, [customer]);
      });
      await first.end();
      const followers = await timed(async () => {
        const client = await connect(); // measured, as for the library
        const shop = await PostgresShop.open(client, schema);
        await shop.settle();
        await shop.flush();
        return { client, shop };
      });
      const { client, shop } = followers.result;
      const logs = await read(shop.logs);
      await client.end();
      return { ms: commands.ms + followers.ms, logs };
    },

    async inWaves(waves) {
      const client = await connect();
      const shop = await PostgresShop.open(client, schema);
      const { ms, result: waveMs } = await timed(async () => {
        const waveMs = await timedWaves(waves, (customer) => shop.place(customer));
        await shop.flush();
        return waveMs;
      });
      const logs = await read(shop.logs);
      await client.end();
      return { ms, waveMs, logs };
    },

    async append(waves) {
      const client = await connect();
      const orders = await PostgresLog.open(client, schema, 'orders');
      const { ms } = await timed(async () => {
        for (const wave of waves) await placeOrders(orders, wave);
      });
      const logs = await read([orders]);
      await client.end();
      return { ms, logs };
    },

    async processEvents(upstreamName, events) {
      const client = await connect();
      const orders = await PostgresLog.open(client, schema, 'orders');
      await orders.position(upstreamName);
      const { ms } = await timed(async () => {
        for (const [expected, event] of events.entries()) {
          await orders.process([event], { upstreamName, expected, position: expected + 1 });
        }
      });
      assert.equal(await orders.position(upstreamName), events.length);
      const logs = await read([orders]);
      await client.end();
      return { ms, logs };
    },
  };
}

async function connected(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, types });
  await client.connect();
  return client;
}

const integers = new Set([20, 21, 23]); // int8, int2, int4

/** Integers are parsed as numbers, everything else as text. */
const types = { getTypeParser: (oid: number) => (integers.has(oid) ? Number : String) };

async function read(logs: Iterable<PostgresLog>): Promise<Logs> {
  const read = new Map<string, Awaited<ReturnType<PostgresLog['read']>>>();
  for (const log of logs) read.set(log.name, await log.read(0, Number.MAX_SAFE_INTEGER));
  return read;
}
