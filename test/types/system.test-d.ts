import { Application, memory, ProcessApplication, run, System } from 'kahn';
import { expectTypeOf } from 'vitest';
import type { OrderEvent } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';
import type { PaymentEvent } from '../../examples/shop/payment.ts';
import { Payments } from '../../examples/shop/payments.ts';
import type { ReservationEvent } from '../../examples/shop/reservation.ts';
import { Reservations } from '../../examples/shop/reservations.ts';
import { shop } from '../../examples/shop/shop.ts';

class Audit extends ProcessApplication<never, OrderEvent | ReservationEvent> {
  static readonly applicationName = 'audit';
  static readonly emits = [] as const;
  override readonly policy = this.when({}, () => {});
}

class Plain extends Application<OrderEvent> {
  static readonly applicationName = 'plain';
  static readonly emits = ['Order.Created', 'Order.Reserved', 'Order.Paid'] as const;
}

class Nameless extends Application<OrderEvent> {
  static readonly emits = ['Order.Created', 'Order.Reserved', 'Order.Paid'] as const;
}

class Unclear extends Plain {
  static readonly causalDependencies = 'always';
}

class Untyped extends Application {
  static readonly applicationName = 'untyped';
  static readonly emits = ['Order.Created'] as const;
}
class Incomplete extends Application<OrderEvent> {
  static readonly applicationName = 'incomplete';
  static readonly emits = ['Order.Created'] as const;
}

class Loose extends Application<OrderEvent> {
  static readonly applicationName = 'loose';
  static readonly emits = ['Order.Created'];
}

class SelfFollowing extends ProcessApplication<PaymentEvent, PaymentEvent> {
  static readonly applicationName = 'self';
  static readonly emits = ['Payment.Created'] as const;
  override readonly policy = this.when({ 'Payment.Created': () => {} });
}

System.of([Orders]);
System.of([[Orders, Reservations, Orders], Plain]);
System.of([[Plain, Reservations, Orders]]);
System.of([
  [Orders, Audit],
  [Reservations, Audit],
]);
System.of([[SelfFollowing, SelfFollowing]]);

const participants = [Orders, Reservations] as (typeof Orders | typeof Reservations)[];
System.of(participants.flatMap((one) => participants.map((other) => [one, other])));
System.of([participants, [Orders]]);

// @ts-expect-error 'payments' follows 'reservations', but handles none of its events
System.of([[Reservations, Payments]]);
// @ts-expect-error the same further down a pipeline
System.of([[Orders, Reservations, Payments]]);
// @ts-expect-error a plain application cannot follow
System.of([[Reservations, Plain]]);
// @ts-expect-error a pipeline needs at least one application
System.of([[]]);
class Emitless extends ProcessApplication<ReservationEvent, OrderEvent> {
  static readonly applicationName = 'emitless';
  override readonly policy = this.when({ 'Order.Created': () => {} });
}

class Constructed extends Reservations {
  constructor(client: object) {
    super();
    void client;
  }
}

class Surplus extends ProcessApplication<ReservationEvent, OrderEvent> {
  static readonly applicationName = 'surplus';
  static readonly emits = ['Reservation.Created', 'Reservation.Creatd'] as const;
  override readonly policy = this.when({ 'Order.Created': () => {} });
}

class Answering extends SelfFollowing {
  static readonly applyPolicyToGeneratedEvents = true;
}
System.of([[Payments, Answering]]);
// @ts-expect-error its policy handles its own events anyway
System.of([[Answering, Answering]]);

class SometimesAnswering extends SelfFollowing {
  static readonly applyPolicyToGeneratedEvents = 'sometimes';
}
// @ts-expect-error neither true nor false
System.of([SometimesAnswering]);

class Saving extends Plain {
  static readonly saves = ['Order.Created'] as const;
}
System.of([[Saving, Payments]]);
class SavingMore extends Plain {
  static readonly saves = ['Order.Created', 'Order.Creatd'] as const;
}
// @ts-expect-error saves list a type that is none of its events
System.of([SavingMore]);
class SavingAll extends Plain {
  static readonly saves = true;
}
// @ts-expect-error saves are no array
System.of([SavingAll]);

// The compiler blames the class at fault, and no neighbour.
System.of([
  [
    Orders,
    // @ts-expect-error emits are missing
    Emitless,
    Orders,
  ],
  [
    Orders,
    // @ts-expect-error a runner cannot pass arguments to the constructor
    Constructed,
    Orders,
  ],
  [
    Orders,
    // @ts-expect-error emits list a type that is none of its events
    Surplus,
    Orders,
  ],
  [
    Orders,
    // @ts-expect-error not an application
    Date,
    Orders,
  ],
  [
    Orders,
    // @ts-expect-error an instance is no class
    new Reservations(),
    Orders,
  ],
  // @ts-expect-error not an application
  Map,
]);
// @ts-expect-error one pair of brackets connects nothing
System.of([Orders, Reservations, Orders]);
// @ts-expect-error one pair of brackets connects nothing
System.of([Orders, Payments]);
System.of([[Orders], [Payments]]);
// @ts-expect-error the upstream has no events
System.of([[Audit, Reservations]]);
// @ts-expect-error not a class
System.of([[Orders, 'reservations']]);
// @ts-expect-error not an application
System.of([[Orders, Date]]);
// @ts-expect-error causalDependencies is neither true nor false
System.of([[Unclear, Reservations]]);
// @ts-expect-error applicationName is missing
System.of([[Nameless, Reservations]]);
// @ts-expect-error emits is not a list of literals: 'as const' is missing
System.of([[Loose, Reservations]]);
// @ts-expect-error emits lack 'Order.Reserved' and 'Order.Paid'
System.of([[Incomplete, Reservations]]);
// @ts-expect-error the type parameter is missing
System.of([[Untyped, Reservations]]);

await using runner = await run(shop);
expectTypeOf(runner.get(Orders)).toEqualTypeOf<Orders>();
// @ts-expect-error not part of the shop
runner.get(Plain);
// @ts-expect-error not part of the shop
await shop.open(Plain, { storage: memory() });
expectTypeOf(await shop.open(Payments)).toEqualTypeOf<Payments>();
