import { type StorageDescription, System } from 'kahn';
import { CustomerList, OrderList, Orders, SlowCustomerList } from './order-list.ts';
import { PostgresCustomerList, PostgresOrderList } from './postgres-order-list.ts';

const module = import.meta.url;

export const sqliteFirst = System.of([[Orders, OrderList]], { module, name: 'sqliteFirst' });
export const sqliteSecond = System.of([[Orders, CustomerList]], { module, name: 'sqliteSecond' });
export const postgresFirst = System.of([[Orders, PostgresOrderList]], { module, name: 'postgresFirst' });
export const postgresSecond = System.of([[Orders, PostgresCustomerList]], { module, name: 'postgresSecond' });

/** As the list of customers, built slowly. */
class SlowPostgresCustomerList extends PostgresCustomerList {
  static override readonly buildShare = 0.0001;
}
export const sqliteSlow = System.of([[Orders, SlowCustomerList]], { module, name: 'sqliteSlow' });
export const postgresSlow = System.of([[Orders, SlowPostgresCustomerList]], { module, name: 'postgresSlow' });

/** Returns a system with a list of orders, and one with the next schema of the list, for the driver of a storage. */
export function listedOn({ module: storage }: StorageDescription) {
  return storage.includes('postgres')
    ? {
        first: postgresFirst,
        second: postgresSecond,
        slow: postgresSlow,
        list: PostgresOrderList,
        next: PostgresCustomerList,
      }
    : { first: sqliteFirst, second: sqliteSecond, slow: sqliteSlow, list: OrderList, next: CustomerList };
}
