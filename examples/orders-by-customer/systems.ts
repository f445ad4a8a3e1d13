import { System } from 'kahn';
import { Orders } from '../shop/orders.ts';
import { Payments } from '../shop/payments.ts';
import { Reservations } from '../shop/reservations.ts';
import { PostgresOrderList } from './postgres-order-list.ts';
import { SqliteOrderList } from './sqlite-order-list.ts';

const { url: module } = import.meta;

/** The shop, and a list of the orders of each customer. */
export const sqliteShop = System.of(
  [
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
    [Orders, SqliteOrderList],
  ],
  { module, name: 'shop on SQLite' },
);

/** The same on PostgreSQL. */
export const postgresShop = System.of(
  [
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
    [Orders, PostgresOrderList],
  ],
  { module, name: 'shop on PostgreSQL' },
);
