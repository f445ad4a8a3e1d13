import { existsSync } from 'node:fs';
import type { ErrorRule } from '../../application/error-rules/error-rule.ts';
import type { Policy } from '../../application/policy/policy.ts';
import { ProcessApplication } from '../../application/process-application.ts';
import { Aggregate } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { System } from '../../system/system.ts';
import { nameId } from '../../util/ids.ts';

// Runners with threads or processes import the systems of the contract from here.

export type OrderEvent =
  | DomainEvent<'Order.Placed', { customer: string }>
  | DomainEvent<'Order.Noted', { text: string }>
  | DomainEvent<'Order.Reserved', { reservationId: string }>
  | DomainEvent<'Order.Paid', { number: number }>;
type ReservationEvent = DomainEvent<'Reservation.Made', { orderId: string }>;
type PaymentEvent = DomainEvent<'Payment.Taken', { orderId: string; number: number }>;

/** An order, which is reserved and then paid. */
export class Order extends Aggregate<OrderEvent> {
  notes = 0;
  /** Number of its payment. */
  paid: number | undefined;

  static place(customer: string): Order {
    return Order.create('Order.Placed', { customer });
  }

  note(text: string): void {
    this.trigger('Order.Noted', { text });
  }

  reserve(reservationId: string): void {
    this.trigger('Order.Reserved', { reservationId });
  }

  pay(number: number): void {
    this.trigger('Order.Paid', { number });
  }

  protected override apply(event: OrderEvent): void {
    if (event.type === 'Order.Noted') this.notes += 1;
    if (event.type === 'Order.Paid') this.paid = event.data.number;
  }
}

class Reservation extends Aggregate<ReservationEvent> {
  static for(orderId: string, id: string): Reservation {
    return Reservation.create('Reservation.Made', { orderId }, id);
  }
}

/** The only account: it numbers all payments, so that a lost, doubled or early one shows. */
class Account extends Aggregate<PaymentEvent> {
  static readonly id: string = nameId('account', 'runner contract');
  taken = 0;

  static openWith(orderId: string): Account {
    return Account.create('Payment.Taken', { orderId, number: 1 }, Account.id);
  }

  take(orderId: string): void {
    this.trigger('Payment.Taken', { orderId, number: this.taken + 1 });
  }

  protected override apply(): void {
    this.taken += 1;
  }
}

export class Orders extends ProcessApplication<OrderEvent, ReservationEvent | PaymentEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Placed', 'Order.Noted', 'Order.Reserved', 'Order.Paid'] as const;

  override readonly policy: Policy<ReservationEvent | PaymentEvent, OrderEvent> = this.when({
    'Reservation.Made': async ({ originatorId, data }, repository) => {
      const order = await repository.get(Order, data.orderId);
      order.reserve(originatorId);
    },
    'Payment.Taken': async ({ data }, repository) => {
      const order = await repository.get(Order, data.orderId);
      order.pay(data.number);
    },
  });

  get(id: string): Promise<Order> {
    return this.repository.get(Order, id);
  }
}

/** What stands in front of the path of a file in the name of a customer: the policy fails while there is no such file. */
const needs = 'needs ';

/** Names a customer whose orders cannot be reserved while a file is missing. */
export function customerNeeding(file: string): string {
  return `${needs}${file}`;
}

export class Reservations extends ProcessApplication<ReservationEvent, OrderEvent> {
  static readonly applicationName = 'reservations';
  static readonly emits = ['Reservation.Made'] as const;

  override readonly policy: Policy<OrderEvent, ReservationEvent> = this.when({
    'Order.Placed': ({ originatorId, data: { customer } }, repository) => {
      if (customer.startsWith(needs) && !existsSync(customer.slice(needs.length)))
        throw new RangeError('The file is missing.');
      return Reservation.for(originatorId, repository.deriveId());
    },
  });
}

/** Parks orders that cannot be reserved. */
export class ParkingReservations extends Reservations {
  static readonly errorRules: readonly ErrorRule[] = [{ error: RangeError, action: 'park' }];
}

export class Payments extends ProcessApplication<PaymentEvent, OrderEvent> {
  static readonly applicationName = 'payments';
  static readonly emits = ['Payment.Taken'] as const;

  override readonly policy: Policy<OrderEvent, PaymentEvent> = this.when({
    'Order.Reserved': async ({ originatorId }, repository) => {
      if (!(await repository.has(Account, Account.id))) return Account.openWith(originatorId);
      const account = await repository.get(Account, Account.id);
      account.take(originatorId);
      return undefined;
    },
  });
}

const module = import.meta.url;

export const shop: System<typeof Orders | typeof Reservations | typeof Payments> = System.of(
  [
    [Orders, Reservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module, name: 'contract-shop' },
);

export const parkingShop: System<typeof Orders | typeof ParkingReservations | typeof Payments> = System.of(
  [
    [Orders, ParkingReservations, Orders],
    [Orders, Payments, Orders],
  ],
  { module, name: 'contract-parking-shop' },
);
