import { given } from 'kahn/testing';
import { expect, test } from 'vitest';
import { Order, OrderList, Orders } from '../../support/projections/order-list.ts';

const paid = Order.place('ada');
paid.pay(5);
const list = () => given(OrderList);

test('the rows of a projection are compared by the names of its tables', async () => {
  await list()
    .when(Orders, paid, { type: 'Order.Created', data: { customer: 'bob' }, originatorId: 'o-2' })
    .when(Orders, { type: 'Order.Paid', data: { amount: 3 }, originatorId: 'o-2' })
    .thenRows({
      orders: [
        { id: 'o-2', customer: 'bob', paid: 3 },
        { id: paid.id, customer: 'ada', paid: 5 },
      ],
    });
});

test('a table that the projection does not have is explained', async () => {
  const misnamed = list().when(Orders, paid).thenRows({ order: [] });
  await expect(misnamed).rejects.toThrow("no table 'order' in schema 1. Did you mean 'orders'?");
});

test('a projection that fails is expected by its error', async () => {
  await list()
    .when(Orders, { type: 'Order.Created', data: { customer: null as never }, originatorId: 'o-3' })
    .thenError({ code: 'ERR_SQLITE_ERROR' });
});
