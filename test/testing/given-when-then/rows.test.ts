import { AssertionError } from 'node:assert';
import type { DatabaseSync } from 'node:sqlite';
import { type CreateContext, newId, ProcessApplication, Projection } from 'kahn';
import { type PostgresRows, postgresRows } from 'kahn/postgres';
import { sqliteRows } from 'kahn/sqlite';
import { derivedId, given } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { Order, type OrderEvent } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { rejectionOf } from '../../support/errors.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { Letter, type LetterEvent } from './letters.ts';

/** Writes a letter for each order, and a row with the id of the letter. */
class Addresses extends ProcessApplication<LetterEvent, OrderEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'addresses';
  static readonly emits = ['Letter.Written', 'Letter.Posted', 'Letter.Opened'] as const;
  static readonly rows = sqliteRows;
  override readonly policy = this.when({
    'Order.Created': async ({ originatorId, data: { customer } }, repository, context) => {
      const db = await context.rows();
      const letterId = repository.deriveId();
      db.prepare('insert into addresses values (?, ?, ?)').run(originatorId, customer, letterId);
      if (customer === 'nobody') throw new Error('no address');
      return Letter.create('Letter.Written', { to: customer }, letterId);
    },
  });
}

/** Lists customers, with a client of `pg`. */
class Customers extends Projection<OrderEvent, { rows: PostgresRows }> {
  static readonly applicationName = 'customers';
  static readonly schema = 1;
  static readonly tables = ['customers'] as const;
  static readonly rows = postgresRows;

  override async create({ db, tables }: CreateContext<PostgresRows>): Promise<void> {
    await db.query(`create table ${tables.customers} (name text primary key)`);
  }

  override readonly policy = this.project({
    'Order.Created': ({ data }, { db, tables }) =>
      db.query(`insert into ${tables.customers} values ($1)`, [data.customer]),
  });
}

const createTables = (db: DatabaseSync) =>
  db.exec('create table addresses (order_id text primary key, customer text, letter_id text) strict');
const toAda = Order.place('ada');
const toBob = Order.place('bob');

describe('rows of a policy', () => {
  const letters = () => given(Addresses, [], { createTables });
  const twoLetters = () => letters().when(Orders, toAda).when(Orders, toBob);

  test('are compared in any order, by the columns that are named', async () => {
    await twoLetters().thenRows({ addresses: [{ customer: 'bob' }, { customer: 'ada' }] });
    await twoLetters().thenRows({
      addresses: [
        { order_id: toBob.id, customer: 'bob', letter_id: derivedId('to bob') },
        { order_id: toAda.id, customer: 'ada', letter_id: derivedId('to ada') },
      ],
    });
  });

  test('are compared together with events, whose ids they may share', async () => {
    const events = [
      { type: 'Letter.Written', originatorId: derivedId('to ada') },
      { type: 'Letter.Written', originatorId: derivedId('to bob') },
    ] as const;
    await twoLetters().then(events, {
      addresses: [{ letter_id: derivedId('to bob') }, { letter_id: derivedId('to ada') }],
    });
    const others = twoLetters().then(events, {
      addresses: [{ letter_id: derivedId('to bob') }, { letter_id: derivedId('to cyd') }],
    });
    await expect(others).rejects.toThrow("The rows of 'addresses' are other ones than expected.");
  });

  test('have no derived ids where the policy makes random ones', async () => {
    class Random extends Addresses {
      override readonly policy = this.when({
        'Order.Created': async ({ originatorId, data }, _, context) => {
          const db = await context.rows();
          db.prepare('insert into addresses values (?, ?, ?)').run(originatorId, data.customer, newId());
        },
      });
    }
    const addresses = given(Random, [], { createTables }).when(Orders, toAda, toBob);
    await expect(addresses.thenRows({ addresses: [{ customer: 'bob' }, { customer: 'ada' }] })).resolves.toBe(
      undefined,
    );
    const rows = { addresses: [{ customer: 'bob', letter_id: derivedId('letter') }, { customer: 'ada' }] };
    await expect(addresses.thenRows(rows)).rejects.toThrow(/ does not come from repository\.deriveId\(\)/);
  });

  test('that differ are shown next to the expected ones', async () => {
    const rows = { addresses: [{ customer: 'bob' }, { customer: 'cyd' }, { customer: 'dan' }] };
    expect(await rejectionOf(twoLetters().thenRows(rows), AssertionError)).toMatchObject({
      actual: { addresses: [{ customer: 'bob' }, { customer: 'ada' }] },
      expected: rows,
    });
    expect(
      await rejectionOf(twoLetters().thenRows({ addresses: [{ customer: 'ada' }] }), AssertionError),
    ).toMatchObject({
      actual: { addresses: [{ customer: 'ada' }, { customer: 'bob' }] },
    });
    expect(
      await rejectionOf(letters().when(Orders, toAda).thenRows({ addresses: [] }), AssertionError),
    ).toMatchObject({
      actual: { addresses: [{ order_id: toAda.id, customer: 'ada' }] },
    });
  });

  test('are read by the driver of PostgreSQL', async () => {
    await given(Customers, [], { storage: temporaryPostgres() })
      .when(Orders, toAda, toBob)
      .thenRows({ customers: [{ name: 'bob' }, { name: 'ada' }] });
  });

  test('are not compared if the policy fails', async () => {
    const nobody = Order.place('nobody');
    await letters()
      .when(Orders, nobody)
      .thenError(/no address/);
    await expect(letters().when(Orders, nobody).thenRows({ addresses: [] })).rejects.toThrow('no address');
  });

  test('need a class that declares them', async () => {
    await expect(given(Reservations).when(Orders, toAda).thenRows({ orders: [] })).rejects.toThrow(
      "Class Reservations records no rows: it has no 'static readonly rows'.",
    );
  });
});
