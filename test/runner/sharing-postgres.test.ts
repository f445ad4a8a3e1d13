import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SingleThreadedRunner } from 'kahn';
import { type PostgresOptions, type PostgresPool, postgres } from 'kahn/postgres';
import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { shop } from '../../examples/shop/shop.ts';
import { assertSound } from '../support/logs.ts';
import { connectionString, query, temporarySchema } from '../support/servers/postgres.ts';
import { brokenShop } from '../support/systems/broken-shop.ts';

const never = 2 ** 30;
const soon = { timeout: 60_000, interval: 10 }; // without a poll

async function started(options: PostgresOptions, pollIntervalMs: number = never) {
  const storage = postgres(options.pool === undefined ? { connectionString, ...options } : options);
  const runner = await SingleThreadedRunner.start(shop.bind(storage), { pollIntervalMs });
  onTestFinished(() => runner.close());
  return runner;
}

/** Orders on the same tables, opened without a runner. */
async function ordersElsewhere(schema: string): Promise<Orders> {
  const orders = await shop.open(Orders, { storage: postgres({ connectionString, schema }) });
  onTestFinished(() => orders.close());
  return orders;
}

async function untilDone(orders: Orders, id: string, wait = soon): Promise<void> {
  await vi.waitFor(async () => expect((await orders.get(id)).done).toBe(true), wait);
}

/** Process ids of the server's sessions that listen to a schema. */
async function listening(schema: string): Promise<number[]> {
  const rows = await query('select pid from pg_stat_activity where query = $1', [`listen "kahn ${schema}"`]);
  return rows.map(({ pid }) => pid);
}

test('events of another process are processed at once', async () => {
  const schema = temporarySchema();
  await started({ schema });
  const orders = await ordersElsewhere(schema);
  for (const customer of ['ada', 'bob', 'cy']) await untilDone(orders, await orders.place(customer));
});

test('prompts resume after the listening connection has died', async () => {
  const schema = temporarySchema();
  await started({ schema });
  const orders = await ordersElsewhere(schema);
  for (let round = 0; round < 5; round += 1) {
    const [pid] = await vi.waitUntil(async () => {
      const pids = await listening(schema);
      return pids.length === 1 && pids;
    }, soon);
    await query('select pg_terminate_backend($1)', [pid]);
    await untilDone(orders, await orders.place(`${round}`)); // in the gap, or after it
  }
});

test('without LISTEN, the poll finds events of other processes', async () => {
  const schema = temporarySchema();
  await started({ schema, transactionPooler: true }, 20);
  const orders = await ordersElsewhere(schema);
  expect(await listening(schema)).toEqual([]);
  await untilDone(orders, await orders.place('ada'));
});

test('caughtUp() rejects if an application fails on an event of another process', async () => {
  const schema = temporarySchema();
  const storage = postgres({ connectionString, schema });
  await using runner = await SingleThreadedRunner.start(brokenShop.bind(storage));
  const orders = await ordersElsewhere(schema);
  await orders.place('mallory');
  await expect(runner.caughtUp()).rejects.toMatchObject({ code: 'DOWNSTREAM_FAILED' });
});

/** A pool that counts its statements. */
function countingPool(): PostgresPool & { statements: number } {
  const pool = new pg.Pool({ connectionString });
  onTestFinished(() => pool.end());
  const counting = {
    statements: 0,
    async connect() {
      const client = await pool.connect();
      return new Proxy(client, {
        get(target, property) {
          if (property === 'query') counting.statements += 1;
          const value = Reflect.get(target, property);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
  return counting;
}

/** Runs the shop on its own tables with several runners, each of which places orders one after another. */
async function runTogether(count: number, ordersEach: number) {
  const schema = temporarySchema();
  const pools = Array.from({ length: count }, countingPool);
  const runners = await Promise.all(pools.map((pool) => started({ pool, schema })));
  for (const pool of pools) pool.statements = 0;
  await Promise.all(
    runners.map(async (runner, i) => {
      for (let n = 0; n < ordersEach; n += 1) await runner.get(Orders).place(`${i} ${n}`);
    }),
  );
  for (const runner of runners) await runner.caughtUp();
  const heads: number[] = [];
  for (const kind of shop.applications) heads.push((await runners[0]?.get(kind).log.head()) ?? 0);
  const statements = pools.reduce((sum, pool) => sum + pool.statements, 0);
  return { pools, heads, perOrder: statements / (count * ordersEach) };
}

test('two runners at the same time process every event once, and are idle afterwards', async () => {
  const together = await runTogether(2, 20);
  expect(together.heads).toEqual([120, 40, 40]);
  // The 5 commits of an order prompt 2 followers of each runner, which read the log and may lose the race to record.
  const mostOfFollower = 6; // statements: a read, and a recording with what precedes and what follows it
  expect(together.perOrder).toBeLessThan(5 * 2 * 2 * mostOfFollower);
  // After the prompts of the last commits, no runner sends a statement.
  const counts = () => together.pools.map(({ statements }) => statements);
  await vi.waitUntil(async () => {
    const before = counts();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return counts().every((count, i) => count === before[i]);
  }, soon);
});

test('two processes at the same time process every event once, and are idle afterwards', async () => {
  const schema = temporarySchema();
  const child = fileURLToPath(new URL('shop-child.ts', import.meta.url));
  const start = (name: string): ChildProcess => {
    const process = fork(child, [connectionString, schema, name], { execArgv: ['--conditions=kahn-source'] });
    onTestFinished(() => void process.kill('SIGKILL'));
    return process;
  };
  const children = ['one', 'two', 'three'].map(start);
  const heard = (process: ChildProcess) => once(process, 'message', { signal: AbortSignal.timeout(60_000) });
  await Promise.all(children.map(heard));
  const placed = children.map(heard);
  for (const process of children) process.send(20);
  await Promise.all(placed);
  const runner = await started({ schema });
  await runner.caughtUp();
  const heads = [];
  for (const kind of shop.applications) heads.push(await runner.get(kind).log.head());
  expect(heads).toEqual([180, 60, 60]);
  await assertSound(postgres({ connectionString, schema }));
  const exits = children.map((process) => once(process, 'exit', { signal: AbortSignal.timeout(60_000) }));
  for (const process of children) process.disconnect();
  expect(await Promise.all(exits)).toEqual([
    [0, null],
    [0, null],
    [0, null],
  ]);
});
