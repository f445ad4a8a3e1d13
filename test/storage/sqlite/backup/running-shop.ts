import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { memory, SingleThreadedRunner, type StorageDescription, verify } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { canonicalHistories } from 'kahn/testing';
import { expect } from 'vitest';
import { Order } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import { shop } from '../../../../examples/shop/shop.ts';

type Shop = (typeof shop.applications)[number];

/** The file of a shop. */
export interface ShopFile extends StorageDescription {
  readonly path: string;
}

/** Describes the file of a shop in a directory. */
export function fileIn(directory: string, name = 'shop.db'): ShopFile {
  const path = join(directory, name);
  return { ...sqlite({ file: path, synchronous: 'NORMAL' }), path };
}

/** Adds a table of some MB to the file of a shop, a row per MB, so that copying it takes many steps. */
export function fill({ path }: Pick<ShopFile, 'path'>, megabytes: number): void {
  using database = new DatabaseSync(path, { timeout: 5_000 });
  database.exec('create table filler (content blob)');
  for (let i = 0; i < megabytes; i += 1) addFiller(database, 1_000_000);
}

/** Commits a row of the table of {@link fill}. */
export function addFiller(database: DatabaseSync, bytes: number): void {
  database.prepare('insert into filler values (randomblob(?))').run(bytes);
}

/** Counts the rows of the table of {@link fill}. */
export function fillersIn({ path }: Pick<ShopFile, 'path'>): number {
  using database = new DatabaseSync(path);
  return Number(database.prepare('select count(*) as n from filler').get()?.n);
}

/** Reads the customers of all orders in the log. */
export async function customersIn(runner: SingleThreadedRunner<Shop>): Promise<readonly string[]> {
  const customers: string[] = [];
  for await (const { event } of runner.get(Orders).reader()) {
    if (event.type === 'Order.Created') customers.push(event.data.customer);
  }
  return customers;
}

/** Returns the histories of a shop that has processed everything. */
async function historiesOf(runner: SingleThreadedRunner<Shop>): Promise<readonly string[]> {
  return canonicalHistories(shop.applications.map((application) => runner.get(application)));
}

/**
 * Checks that a copy is as of one moment, and that a runner continues from there to the same result as a new shop with
 * the same orders. Resolves with the customers of these orders.
 */
export async function expectWhole(copy: StorageDescription): Promise<readonly string[]> {
  const { faults } = await verify(copy, shop);
  expect(faults).toEqual([]);
  await using runner = await SingleThreadedRunner.start(shop.bind(copy));
  const lags = (await runner.status()).flatMap(({ upstreams }) => upstreams);
  for (const upstream of lags) expect(upstream).toMatchObject({ lag: 0, fitsLog: true });
  const customers = await customersIn(runner);
  await using expected = await SingleThreadedRunner.start(shop.bind(memory()));
  await expected.get(Orders).save(...customers.map((customer) => Order.place(customer)));
  expect(await historiesOf(runner)).toEqual(await historiesOf(expected));
  return customers;
}
