import type { DatabaseSync } from 'node:sqlite';
import { type ReadContext, run, type System } from 'kahn';
import { StorageError } from 'kahn/storage';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { listedOn } from '../../support/projections/listed-orders.ts';
import type { OrderList } from '../../support/projections/order-list.ts';
import { storages } from '../../support/storages.ts';

interface Client {
  query(sql: string): Promise<unknown>;
}

/** Executes a statement on a handle of any storage. */
async function query(db: unknown, sql: string): Promise<unknown> {
  return 'query' in (db as object) ? (db as Client).query(sql) : (db as DatabaseSync).prepare(sql).all();
}

describe.each(storages)('read() of a projection on $name', ({ create }) => {
  test('names the application for a statement that fails, and what the database says', async () => {
    const storage = create();
    const { first, list } = listedOn(storage);
    await using runner = await run(first as System, { storage });
    const reads = runner.get(list) as unknown as OrderList;
    const wrong = ({ db, tables }: ReadContext<DatabaseSync>) =>
      query(db, `select colour from ${tables.orders}`);
    const error = await rejectionOf(reads.read(wrong), StorageError);
    expect(error.message).toMatch(/^Application 'order-list@1' cannot use .*colour/s);
    expect(error.cause).toMatchObject({ message: expect.stringContaining('colour') });
    expect(error.message).not.toContain('secret');
  });

  test('hands on what the program throws itself, and lets it catch errors of its statements', async () => {
    const storage = create();
    const { first, list } = listedOn(storage);
    await using runner = await run(first as System, { storage });
    const reads = runner.get(list) as unknown as OrderList;
    const own = new RangeError('no such page');
    const throwing = reads.read(() => {
      throw own;
    });
    await expect(throwing).rejects.toBe(own);
    const caught = reads.read(({ db }) => query(db, 'select colour').catch((error: unknown) => error));
    expect(await caught).not.toBeInstanceOf(StorageError);
    expect(await caught).toMatchObject({ message: expect.stringContaining('colour') });
  });
});
