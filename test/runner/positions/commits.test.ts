import { readFileSync, writeFileSync } from 'node:fs';
import {
  MultiprocessRunner,
  MultiThreadedRunner,
  type RunnerOptions,
  SingleThreadedRunner,
  type System,
} from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { shop } from '../../../examples/shop/shop.ts';
import { commitsIn, committingShop } from '../../storage/durability/committing-shop.ts';
import { connectionString, query, temporarySchema } from '../../support/servers/postgres.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import type { Apps } from '../contract/subject.ts';
import { assertFiveCommits } from './five-commits.ts';

type Shop = System<Apps>;
const kinds = [
  ['a single thread', (system: Shop, options: RunnerOptions) => SingleThreadedRunner.start(system, options)],
  ['threads', (system: Shop, options: RunnerOptions) => MultiThreadedRunner.start(system, options)],
  ['processes', (system: Shop, options: RunnerOptions) => MultiprocessRunner.start(system, options)],
] as const;

test.each(kinds)('an order is 5 durable commits on SQLite, in %s', async (_kind, start) => {
  const directory = temporaryDirectory();
  await using runner = await start(committingShop, { storage: sqlite({ directory }) });
  writeFileSync(commitsIn(directory), '');
  await assertFiveCommits(runner, () => {
    const lines = readFileSync(commitsIn(directory), 'utf8').trim().split('\n');
    for (const line of lines) expect(line).toMatch(/ 2$/); // `pragma synchronous` is FULL: a commit is an fsync
    return lines.length;
  });
});

test.each(kinds)('an order is 5 transactions that write on PostgreSQL, in %s', async (_kind, start) => {
  const schema = temporarySchema();
  await using runner = await start(shop, { storage: postgres({ connectionString, schema }) });
  const tables = shop.applications.flatMap(({ applicationName }) =>
    ['events', 'positions'].map((table) => `${schema}.${applicationName}_${table}`),
  );
  await query(`
    create table ${schema}.seen (id xid8);
    create function ${schema}.note() returns trigger language plpgsql as $$ begin
      insert into ${schema}.seen values (pg_current_xact_id());
      return null;
    end $$;
    ${tables.map((table) => `create trigger note after insert or update on ${table} execute function ${schema}.note();`).join('\n')}`);
  await assertFiveCommits(runner, async () => {
    const [row] = await query(`select count(distinct id)::integer from ${schema}.seen`);
    return row.count;
  });
});
