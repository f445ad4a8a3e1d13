import { type StorageDescription, System } from 'kahn';
import { CustomerList, OrderList, Orders } from './order-list.ts';
import { PostgresCustomerList, PostgresOrderList } from './postgres-order-list.ts';

const module = import.meta.url;

export const sqliteFirst = System.of([[Orders, OrderList]], { module, name: 'sqliteFirst' });
export const sqliteSecond = System.of([[Orders, CustomerList]], { module, name: 'sqliteSecond' });
export const postgresFirst = System.of([[Orders, PostgresOrderList]], { module, name: 'postgresFirst' });
export const postgresSecond = System.of([[Orders, PostgresCustomerList]], { module, name: 'postgresSecond' });

/** Returns a system with a list of orders, and one with the next schema of the list, for the driver of a storage. */
export function listedOn({ module: storage }: StorageDescription) {
  return storage.includes('postgres')
    ? { first: postgresFirst, second: postgresSecond, list: PostgresOrderList, next: PostgresCustomerList }
    : { first: sqliteFirst, second: sqliteSecond, list: OrderList, next: CustomerList };
}
