import { readdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { MultiprocessRunner, MultiThreadedRunner, SingleThreadedRunner } from 'kahn';
import { backup } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { Orders } from '../../../../examples/shop/orders.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import { randomNumbers } from '../../../support/random-numbers.ts';
import { seed } from '../../../support/seed.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { byTier } from '../../../support/tier.ts';
import { inTime } from '../../../support/until.ts';
import { addFiller, expectWhole, fileIn, fill, fillersIn } from './running-shop.ts';

const runners = [SingleThreadedRunner, MultiThreadedRunner, MultiprocessRunner] as const;
const writers = 4;
const runs = byTier(1, 7);

/** Places orders, one at a time, until it is stopped. */
class Customer {
  readonly #name: string;
  readonly #orders: Orders;
  readonly placed: string[] = [];
  isStopped = false;

  constructor(name: string, orders: Orders) {
    this.#name = name;
    this.#orders = orders;
  }

  async shop(): Promise<void> {
    for (let i = 0; !this.isStopped; i += 1) {
      const name = `${this.#name}-${i}`;
      await this.#orders.place(name);
      this.placed.push(name);
    }
  }
}

test.each(
  runners.flatMap((runner) => Array.from({ length: runs }, (_, run) => [runner.name, run, runner] as const)),
)('a copy is whole while customers order, with %s, run %i', async (_name, run, runnerClass) => {
  const random = randomNumbers(seed + run);
  const megabytes = 30 + Math.floor(random() * 30);
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  const copy = fileIn(directory, 'copy.db');
  const customers: Customer[] = [];
  let before: readonly string[];
  let after: readonly string[];
  const steps: number[] = [];
  {
    await using runner = await runnerClass.start(shop.bind(storage));
    fill(storage, megabytes);
    for (let i = 0; i < writers; i += 1) customers.push(new Customer(`writer ${i}`, runner.get(Orders)));
    const shopping = Promise.all(customers.map((customer) => customer.shop()));
    await delay(random() * 200);
    const placed = () => customers.flatMap((customer) => customer.placed);
    before = placed();
    using other = new DatabaseSync(storage.path, { timeout: 5_000 });
    await backup(storage, copy.path, {
      signal: inTime(),
      onProgress: ({ copiedPages }) => {
        steps.push(copiedPages);
        addFiller(other, 1_000); // another connection commits between any two steps
      },
    });
    after = placed();
    for (const customer of customers) customer.isStopped = true;
    await shopping;
  }
  expect(steps.length).toBeGreaterThan(2);
  expect(steps).toEqual(steps.toSorted((a, b) => a - b)); // it has not begun again
  expect(fillersIn(storage)).toBe(megabytes + steps.length);
  expect(fillersIn(copy)).toBe(megabytes);
  expect(readdirSync(directory).sort()).toEqual(['copy.db', 'shop.db']);
  const copied = new Set(await expectWhole(copy));
  expect(before.filter((name) => !copied.has(name))).toEqual([]);
  expect(copied.size).toBeLessThanOrEqual(after.length + writers);
});
