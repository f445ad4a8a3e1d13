import type { DatabaseSync } from 'node:sqlite';
import { type CreateContext, ProcessApplication, Projection } from 'kahn';
import { sqliteRows } from 'kahn/sqlite';
import { derivedId, given } from 'kahn/testing';
import { Order, type OrderEvent } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

const order = Order.place('ada');
const reserved = { type: 'Reservation.Created', data: { orderId: order.id }, originatorId: 'r-1' } as const;

// Events of the application and of its upstreams are typed.
const paid = given(Orders, [order, { type: 'Order.Paid', data: { paymentId: 'p-1' }, originatorId: 'o-1' }]);
const reservation = paid.when(Reservations, reserved, Reservation.for(order.id, 'r-2'));
reservation.when(Payments, {
  type: 'Payment.Created',
  data: { orderId: order.id },
  originatorId: derivedId('payment'),
});
reservation.then([
  { type: 'Order.Reserved', data: { reservationId: 'r-1' }, metadata: {} },
  { type: 'Order.Paid' },
]);
reservation.thenError(RangeError);
reservation.thenError({ code: 'DECLINED' });

// @ts-expect-error the application records no such event
given(Orders, [reserved]);
// @ts-expect-error an aggregate of another application
given(Orders, [Reservation.for('o-1', 'r-1')]);
// @ts-expect-error the upstream records no such event
given(Orders).when(Payments, reserved);
// @ts-expect-error Orders does not follow itself
given(Orders).when(Orders, { type: 'Order.Created', data: { customer: 'ada' }, originatorId: 'o-1' });
const otherData = { type: 'Reservation.Created', data: { customer: 'ada' }, originatorId: 'r-1' } as const;
// @ts-expect-error other data
given(Orders).when(Reservations, otherData);
// @ts-expect-error without an aggregate
given(Orders).when(Reservations, { type: 'Reservation.Created', data: { orderId: 'o-1' } });
// @ts-expect-error the policy cannot record such an event
reservation.then([{ type: 'Reservation.Created' }]);
// @ts-expect-error other data
reservation.then([{ type: 'Order.Reserved', data: { paymentId: 'p-1' } }]);
// @ts-expect-error a statement without a check
await reservation;
// @ts-expect-error nothing happened yet
paid.then([]);
// @ts-expect-error not a class of applications
given(Order);

interface Gateway {
  charge(orderId: string): Promise<string>;
}
class Charges extends ProcessApplication<
  OrderEvent,
  OrderEvent,
  { resources: { gateway: Gateway; limit: number } }
> {
  static readonly applicationName = 'charges';
  static readonly emits = ['Order.Created', 'Order.Reserved', 'Order.Paid'] as const;
  override readonly policy = this.when({});
}

// Resources are those that the handlers use, or some of them.
given(Charges, [], { resources: { gateway: { charge: async () => 'receipt' } } });
// @ts-expect-error another type
given(Charges, [], { resources: { limit: '5' } });
// @ts-expect-error not a resource of the class
given(Charges, [], { resources: { mail: {} } });

// Tables of a projection are those of its class.
class Customers extends Projection<OrderEvent, { rows: DatabaseSync }> {
  static readonly applicationName = 'customers';
  static readonly schema = 1;
  static readonly tables = ['customers'] as const;
  static readonly rows = sqliteRows;
  override create({ db, tables }: CreateContext<DatabaseSync>): void {
    db.exec(`create table ${tables.customers} (name text)`);
  }
  override readonly policy = this.project({});
}
const customers = given(Customers, [], { createTables: (db) => db.exec('create table other (id text)') });
customers.when(Orders, order).thenRows({ customers: [{ name: 'ada' }] });
// @ts-expect-error no table of the projection
customers.when(Orders, order).thenRows({ orders: [] });
// @ts-expect-error a projection records no events
customers.when(Orders, order).then([{ type: 'Order.Created' }]);
// @ts-expect-error Customers does not follow reservations
customers.when(Reservations, reserved);
