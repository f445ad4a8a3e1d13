import { InvalidPolicyError, type PolicyContext, ProcessApplication } from 'kahn';
import { expect, test } from 'vitest';
import { Order, type OrderEvent } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payment, type PaymentEvent } from '../../../examples/shop/payment.ts';
import { Payments } from '../../../examples/shop/payments.ts';

const event = (type: string, data: unknown, originatorId = 'order-1') =>
  ({ type, data, originatorId, originatorVersion: 1, timestamp: 1_000 }) as never;

test('a policy can be called directly, with a plain Map as repository', async () => {
  const order = Order.place('ada');
  const reserved = event('Reservation.Created', { orderId: order.id }, 'reservation-1');
  expect(await new Orders().policy(reserved, new Map([[order.id, order]]))).toEqual([]);
  expect(order).toMatchObject({ reservationId: 'reservation-1', version: 2 });
  await expect(new Orders().policy(reserved)).rejects.toMatchObject({ code: 'AGGREGATE_NOT_FOUND' });
});

test('resolves with the new aggregates, whose ids are derived from the event', async () => {
  const reserved = event('Order.Reserved', { reservationId: 'reservation-1' });
  const [payment] = await new Payments().policy(reserved);
  const [again] = await new Payments().policy(reserved);
  expect(payment).toBeInstanceOf(Payment);
  expect(again?.id).toBe(payment?.id);
});

test('ignores an event without a handler, unless there is a handler for all other types', async () => {
  const seen: string[] = [];
  class Some extends ProcessApplication<PaymentEvent, OrderEvent> {
    static readonly applicationName = 'some';
    override readonly policy = this.when({ 'Order.Created': () => void seen.push('created') });
  }
  class All extends ProcessApplication<PaymentEvent, OrderEvent> {
    static readonly applicationName = 'all';
    override readonly policy = this.when({ 'Order.Created': () => {} }, ({ type }) => void seen.push(type));
  }
  for (const type of ['Order.Created', 'Order.Paid']) {
    await new Some().policy(event(type, {}));
    await new All().policy(event(type, {}));
  }
  expect(seen).toEqual(['created', 'Order.Paid']);
  expect(new Some().policy.handlerOf('toString')).toBeUndefined();
  expect(new All().policy.handlerOf('toString')).toBeTypeOf('function');
});

test('rejects results that are not aggregates, and handlers that are not functions', async () => {
  class Wrong extends ProcessApplication<PaymentEvent, OrderEvent> {
    static readonly applicationName = 'wrong';
    override readonly policy = this.when({
      'Order.Created': () => 'payment' as never,
      'Order.Paid': () => [null] as never,
      'Order.Reserved': async () => {},
    });
  }
  await expect(new Wrong().policy(event('Order.Created', {}))).rejects.toThrow(InvalidPolicyError);
  await expect(new Wrong().policy(event('Order.Paid', {}))).rejects.toThrow(
    'an array of aggregates, got null',
  );
  expect(await new Wrong().policy(event('Order.Reserved', {}))).toEqual([]);
  class NoFunction extends ProcessApplication<PaymentEvent, OrderEvent> {
    static readonly applicationName = 'no-function';
    override readonly policy = this.when({ 'Order.Created': 'nothing' as never });
  }
  expect(() => new NoFunction()).toThrow(
    "In the policy of 'no-function', the handler of 'Order.Created' is not a function.",
  );
});

test('ignores results of Promise.all that are undefined', async () => {
  class Some extends ProcessApplication<OrderEvent, OrderEvent> {
    static readonly applicationName = 'some';
    override readonly policy = this.when({
      'Order.Created': () =>
        Promise.all([undefined, Order.create('Order.Created', { customer: 'bob' }, 'o-2')]),
      'Order.Paid': async () => Promise.all([async () => {}, async () => {}].map((work) => work())),
    });
  }
  expect((await new Some().policy(event('Order.Created', {}))).map(({ id }) => id)).toEqual(['o-2']);
  expect(await new Some().policy(event('Order.Paid', {}))).toEqual([]);
});

test('a direct call gives its handlers the parts of the context that are passed', async () => {
  const contexts: PolicyContext[] = [];
  class Watchers extends ProcessApplication<PaymentEvent, OrderEvent> {
    static readonly applicationName = 'watchers';
    override readonly policy = this.when({
      'Order.Created': (_event, _repository, context) => void contexts.push(context),
    });
  }
  const created = event('Order.Created', {});
  const { signal } = new AbortController();
  const resources = { mail: 'a mailbox' };
  await new Watchers().policy(created, new Map(), {
    resources,
    signal,
    isReplay: true,
    rows: async () => 'a handle',
  });
  const [context] = contexts;
  expect(context).toMatchObject({ resources, signal, isReplay: true, sideEffects: true });
  expect(await context?.rows()).toBe('a handle');
  await new Watchers().policy(created);
  await expect(contexts[1]?.rows()).rejects.toThrow('called rows() in a direct call');
});
