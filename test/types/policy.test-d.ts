import { type DomainEvent, ProcessApplication, type RecordedEvent } from 'kahn';
import { expectTypeOf } from 'vitest';
import { Order, type OrderEvent } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';
import { Payment, type PaymentEvent } from '../../examples/shop/payment.ts';
import { Reservation, type ReservationEvent } from '../../examples/shop/reservation.ts';

// The type of an event, and of its data, follows from the key of its handler.
export class Inferred extends ProcessApplication<PaymentEvent, OrderEvent> {
  override readonly policy = this.when(
    {
      'Order.Created': (event) => {
        expectTypeOf(event).toExtend<DomainEvent<'Order.Created', { customer: string }>>();
        expectTypeOf(event.data.customer).toBeString();
        // @ts-expect-error the data of another event
        event.data.reservationId;
      },
      'Order.Reserved': async (event, repository) => {
        expectTypeOf(event.data.reservationId).toBeString();
        expectTypeOf(await repository.get(Payment, '1')).toEqualTypeOf<Payment>();
        // @ts-expect-error an application gets its own aggregates only
        await repository.get(Order, '1');
        return [Payment.for('1', repository.deriveId())];
      },
    },
    (event) => {
      expectTypeOf(event).toEqualTypeOf<RecordedEvent<OrderEvent>>();
    },
  );
}

// An attempt resolves with the result of its function.
export class Attempts extends ProcessApplication<PaymentEvent, OrderEvent> {
  override readonly policy = this.when({
    'Order.Created': async (event, repository) => {
      const payment = await repository.attempt(async () =>
        Payment.for(event.originatorId, repository.deriveId()),
      );
      expectTypeOf(payment).toEqualTypeOf<Payment>();
      expectTypeOf(await repository.attempt(() => 5)).toEqualTypeOf<number>();
      expectTypeOf(await repository.attempt(() => {})).toEqualTypeOf<void>();
      const got = await repository.attempt(() =>
        Promise.all(['1', '2'].map((id) => repository.get(Payment, id))),
      );
      expectTypeOf(got).toEqualTypeOf<Payment[]>();
      expectTypeOf(await repository.wasDiscarded(Payment, '1')).toBeBoolean();
      // @ts-expect-error an application asks about its own aggregates only
      await repository.wasDiscarded(Order, '1');
      return payment;
    },
    'Order.Reserved': (_, repository) => repository.attempt(() => Payment.for('1', repository.deriveId())),
    'Order.Paid': (_, repository) => repository.attempt(() => {}),
  });
}

export class ReturnsAForeignAggregateOfAnAttempt extends ProcessApplication<PaymentEvent, OrderEvent> {
  override readonly policy = this.when({
    // @ts-expect-error reservations are recorded by another application
    'Order.Created': (_, repository) => repository.attempt(() => Reservation.for('1', repository.deriveId())),
  });
}

export class HandlesWhatItDoesNotFollow extends ProcessApplication<PaymentEvent, OrderEvent> {
  override readonly policy = this.when({
    // @ts-expect-error reservations are not followed
    'Reservation.Created': () => {},
  });
}

export class MakesForeignAggregates extends ProcessApplication<PaymentEvent, OrderEvent> {
  override readonly policy = this.when({
    // @ts-expect-error reservations are recorded by another application
    'Order.Created': (event, repository) => Reservation.for(event.originatorId, repository.deriveId()),
  });
}

// A policy can be called directly, with a plain Map.
const order = Order.place('ada');
declare const reserved: ReservationEvent;
expectTypeOf(new Orders().policy(reserved, new Map([[order.id, order]]))).resolves.toExtend<
  readonly unknown[]
>();
// @ts-expect-error orders do not follow themselves
new Orders().policy({} as OrderEvent, new Map());
