import { readFileSync, writeFileSync } from 'node:fs';
import {
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
} from 'kahn';
import { type SqliteOptions, sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { commitsIn, committingShop } from './committing-shop.ts';

const runners = [
  SingleThreadedRunner,
  MultiThreadedRunner,
  MultiprocessRunner,
  SteppingSingleThreadedRunner,
  SteppingMultiThreadedRunner,
] as const;

/** Values of `pragma synchronous`, https://sqlite.org/pragma.html#pragma_synchronous */
const full = 2;
const normal = 1;

/** Returns the levels with which a runner commits while an order is processed, such as `orders.sqlite 2`. */
async function levelsOf({ start }: (typeof runners)[number], options: Partial<SqliteOptions>) {
  const directory = temporaryDirectory();
  await using runner = await start(committingShop, { storage: sqlite({ directory, ...options }) });
  writeFileSync(commitsIn(directory), ''); // without the commits that created the tables
  const id = await runner.get(Orders).place('ada');
  await runner.caughtUp();
  expect((await runner.get(Orders).get(id)).done).toBe(true);
  return [...new Set(readFileSync(commitsIn(directory), 'utf8').trim().split('\n'))].sort();
}

const levels = (level: number) =>
  ['orders', 'payments', 'reservations'].map((name) => `${name}.sqlite ${level}`);

test.each(runners.map((runner) => [runner.name, runner] as const))(
  'every commit is durable by default, in all threads and processes of %s',
  async (_name, runner) => expect(await levelsOf(runner, {})).toEqual(levels(full)),
);

test('commits are less durable only if the option says so', async () => {
  expect(await levelsOf(SingleThreadedRunner, { synchronous: 'NORMAL' })).toEqual(levels(normal));
});
