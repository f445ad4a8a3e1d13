// The shop of examples/shop, after the events of its orders have moved on.
import {
  Aggregate,
  defineEvents,
  type EventsOf,
  event,
  ProcessApplication,
  type StorageDescription,
  System,
} from 'kahn';
import { expect } from 'vitest';
import { Payment, type PaymentEvent, paymentEvents } from '../../examples/shop/payment.ts';
import { Reservation, type ReservationEvent, reservationEvents } from '../../examples/shop/reservation.ts';
import { SingleThreadedRunner } from '../../src/runner/single-threaded/single-threaded-runner.ts';

const orderEvents = defineEvents(
  {
    'Order.Placed': event<{ customer: string }>().upcast(({ customer }) => ({
      customer: { name: customer },
    })),
    'Order.Reserved': event<{ reservationId: string }>(),
    'Order.Charged': event<{ paymentId: string }>(),
    'Order.Closed': event<{ reason: string }>(),
  },
  {
    former: {
      'Order.Created': 'Order.Placed',
      'Order.Paid': event<{ paymentId: string }>().into(({ paymentId }) => [
        { type: 'Order.Charged', data: { paymentId } },
        { type: 'Order.Closed', data: { reason: 'paid' } },
      ]),
    },
  },
);
type OrderEvent = EventsOf<typeof orderEvents>;

class Order extends Aggregate<OrderEvent> {
  static override readonly snapshotEvery = 2;
  customer = '';
  steps: readonly string[] = [];

  static place(name: string): Order {
    return Order.create('Order.Placed', { customer: { name } });
  }
  reserve(reservationId: string): void {
    this.trigger('Order.Reserved', { reservationId });
  }
  pay(paymentId: string): void {
    this.trigger('Order.Charged', { paymentId });
    this.trigger('Order.Closed', { reason: 'paid' });
  }
  protected override apply({ type, data }: OrderEvent): void {
    if (type === 'Order.Placed') this.customer = data.customer.name;
    this.steps = [...this.steps, type];
  }
}

class Orders extends ProcessApplication<OrderEvent, ReservationEvent | PaymentEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = orderEvents;
  override readonly policy = this.when({
    'Reservation.Created': async ({ data, originatorId }, repository) =>
      (await repository.get(Order, data.orderId)).reserve(originatorId),
    'Payment.Created': async ({ data, originatorId }, repository) =>
      (await repository.get(Order, data.orderId)).pay(originatorId),
  });
}

class Reservations extends ProcessApplication<ReservationEvent, OrderEvent> {
  static readonly applicationName = 'reservations';
  static readonly emits = reservationEvents;
  override readonly policy = this.when({
    'Order.Placed': ({ originatorId }, repository) => Reservation.for(originatorId, repository.deriveId()),
  });
}

class Payments extends ProcessApplication<PaymentEvent, OrderEvent> {
  static readonly applicationName = 'payments';
  static readonly emits = paymentEvents;
  override readonly policy = this.when({
    'Order.Reserved': ({ originatorId }, repository) => Payment.for(originatorId, repository.deriveId()),
  });
}

const evolvedShop = System.of([
  [Orders, Reservations, Orders],
  [Orders, Payments, Orders],
]);

/** Runs the shop of today on what an earlier release recorded, and checks every order. */
export async function expectEvolved(storage: StorageDescription): Promise<void> {
  await using runner = await SingleThreadedRunner.start(evolvedShop, { storage });
  const orders = runner.get(Orders);
  await orders.save(Order.place('fay'));
  await runner.caughtUp();
  const all: unknown[] = [];
  for await (const { event } of orders.reader()) {
    if (event.type !== 'Order.Placed') continue;
    const { customer, steps, version } = await orders.repository.get(Order, event.originatorId);
    expect(event.data.customer.name).toBe(customer);
    all.push([customer, version, steps.join(' ').replaceAll('Order.', '')]);
  }
  const done = 'Placed Reserved Charged Closed';
  expect(all).toEqual([
    ['ada', 4, `${done} Charged Closed`], // was paid twice
    ['bob', 3, done],
    ['cy', 3, done],
    ['dan', 4, done],
    ['eve', 4, done],
    ['fay', 4, done],
  ]);
  for (const Type of [Reservations, Payments]) expect(await runner.get(Type).log.head()).toBe(6);
}
