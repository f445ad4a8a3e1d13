import { Aggregate, type DomainEvent, type Saved, type Updated, type UpdateOptions } from 'kahn';
import { expectTypeOf } from 'vitest';
import { Order } from '../../examples/shop/order.ts';
import type { Orders } from '../../examples/shop/orders.ts';

export class Invoice extends Aggregate<DomainEvent<'Invoice.Sent', { total: number }>> {}

export async function updates(orders: Orders): Promise<void> {
  const updated = await orders.update(Order, 'id', (order) => {
    expectTypeOf(order).toEqualTypeOf<Order>();
    order.reserve('reservation 1');
    return order.customer;
  });
  expectTypeOf(updated).toEqualTypeOf<Updated<string>>();
  expectTypeOf(updated).toExtend<Saved>();

  const asynchronous = await orders.update(Order, 'id', async ({ done }) => done, { retries: 1 });
  expectTypeOf(asynchronous.result).toEqualTypeOf<boolean>();
  expectTypeOf((await orders.update(Order, 'id', () => {})).result).toEqualTypeOf<void>();

  await orders.update(Order, 'id', () => {}, { create: () => Order.place('ada') });
  // @ts-expect-error the option makes an aggregate of the class
  await orders.update(Order, 'id', () => {}, { create: () => new Invoice('id') });
  // @ts-expect-error the class is one of the application's aggregates
  await orders.update(Invoice, 'id', () => {});
  // @ts-expect-error the function is called with the aggregate
  await orders.update(Order, 'id', (invoice: Invoice) => invoice.version);

  expectTypeOf<UpdateOptions<Order>['create']>().toEqualTypeOf<(() => Order) | undefined>();
}
