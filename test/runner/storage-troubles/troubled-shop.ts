import {
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
  type StorageDescription,
  type SystemRunner,
} from 'kahn';
import { expect } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { query } from '../../support/servers/postgres.ts';
import { until } from '../../support/until.ts';

export type Shop = SystemRunner<(typeof shop.applications)[number]>;

/** A runner under test. */
export interface Runner {
  readonly name: string;
  start(storage: StorageDescription): Promise<Shop>;
}

const pollIntervalMs = 200;
const clock = { normalSpeed: 50 };

/** Every runner that works without an engine. */
export const runners: readonly Runner[] = [
  {
    name: 'single-threaded',
    start: (storage) => SingleThreadedRunner.start(shop, { storage, pollIntervalMs }),
  },
  { name: 'threads', start: (storage) => MultiThreadedRunner.start(shop, { storage, pollIntervalMs }) },
  { name: 'processes', start: (storage) => MultiprocessRunner.start(shop, { storage, pollIntervalMs }) },
  { name: 'stepping', start: (storage) => SteppingSingleThreadedRunner.start(shop, { storage, ...clock }) },
  {
    name: 'stepping threads',
    start: (storage) => SteppingMultiThreadedRunner.start(shop, { storage, ...clock }),
  },
];

export async function statusOf(runner: Shop, applicationName: string) {
  return (await runner.status()).find((one) => one.applicationName === applicationName)!;
}

/** Waits until an application has failed `tries` times in a row with the error, and checks how that is shown. */
export async function isInterrupted(
  runner: Shop,
  applicationName: string,
  error: object,
  tries = 2,
): Promise<void> {
  await until(`${applicationName} has tried ${tries} times`, async () => {
    const { state, interruption } = await statusOf(runner, applicationName);
    expect(state).not.toBe('failed');
    return (interruption?.tries ?? 0) >= tries;
  });
  const { state, interruption, lastError } = await statusOf(runner, applicationName);
  expect({ state, lastError }).toMatchObject({ state: 'interrupted', lastError: error });
  expect(interruption!.since).toBeLessThanOrEqual(Date.now());
  expect(interruption!.nextTryAt).toBeGreaterThan(interruption!.since);
}

/** Waits until everything is processed, and checks that each of the orders is reserved and paid, once. */
export async function isComplete(runner: Shop, orders: number): Promise<void> {
  await runner.caughtUp({ signal: AbortSignal.timeout(60_000) });
  const events = await runner.get(Orders).log.select(0, 1_000);
  const count = (type: string) => events.filter((event) => event.type === type).length;
  expect(['Order.Created', 'Order.Reserved', 'Order.Paid'].map(count)).toEqual([orders, orders, orders]);
  await until('the interruption is over', async () => {
    const status = await runner.status();
    return status.every(({ state, interruption }) => state !== 'interrupted' && interruption === undefined);
  });
}

/** Makes every insert into a table fail with an error, until the returned function is called. */
export async function failing(table: string, sqlState: string): Promise<() => Promise<unknown>> {
  await query(`create function ${table}_fail() returns trigger language plpgsql as
    $$ begin raise exception 'trouble' using errcode = '${sqlState}'; end $$`);
  await query(`create trigger fail before insert on ${table} execute function ${table}_fail()`);
  return () => query(`drop trigger fail on ${table}`);
}
