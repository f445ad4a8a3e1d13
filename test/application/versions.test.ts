import {
  Aggregate,
  Application,
  type DomainEvent,
  defineType,
  OtherVersionError,
  ProcessApplication,
  UnknownEventError,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../support/errors.ts';
import { storages } from '../support/storages.ts';
import * as after from '../support/systems/versions/after.ts';
import { type LaterOrderEvent, Order } from '../support/systems/versions/orders.ts';

type TillEvent =
  | DomainEvent<'Till.Opened', object>
  | DomainEvent<'Till.Paid', object>
  | DomainEvent<'Till.Locked', object>;

class Till extends Aggregate<TillEvent> {
  add(type: 'Till.Paid' | 'Till.Locked'): this {
    this.trigger(type, {});
    return this;
  }
}

/** Counts payments in a till. This version does not know that a till can be locked. */
class Tills extends ProcessApplication<TillEvent, LaterOrderEvent> {
  static readonly applicationName = 'tills';
  static readonly emits = ['Till.Opened', 'Till.Paid'] as const;
  override readonly policy = this.when({
    'Order.Paid': async (_event, repository) => {
      (await repository.get(Till, 'till')).add('Till.Paid');
    },
  });
}

class LaterTills extends Application<TillEvent> {
  static readonly applicationName = 'tills';
  static readonly emits = ['Till.Opened', 'Till.Paid', 'Till.Locked'] as const;
}

describe.each(storages)(
  'an aggregate with an event of a type that its application does not declare, on $name',
  ({ create }) => {
    test('is not loaded by get(), at its newest version or later ones, and not by has()', async () => {
      const storage = create();
      await using later = await LaterTills.open({ storage });
      await later.save(
        Till.create('Till.Opened', {}, 'till').add('Till.Paid').add('Till.Locked').add('Till.Paid'),
      );
      await using tills = await Tills.open({ storage });
      const error = await rejectionOf(tills.repository.get(Till, 'till'), UnknownEventError);
      expect(error).toMatchObject({
        applicationName: 'tills',
        className: 'Till',
        originatorId: 'till',
        originatorVersion: 3,
        eventType: 'Till.Locked',
      });
      expect(error.message).toMatch(
        /^Application 'tills' cannot load Till 'till': its version 3 is an event of type 'Till.Locked', recorded at 20/,
      );
      await rejectionOf(tills.repository.has(Till, 'till'), UnknownEventError);
      expect(await tills.repository.get(Till, 'till', { version: 2 })).toMatchObject({ version: 2 });
      await rejectionOf(tills.repository.get(Till, 'till', { version: 4 }), UnknownEventError);
      expect(await later.repository.get(Till, 'till')).toMatchObject({ version: 4 });
    });

    test('makes its follower wait for another version, and keeps everything before', async () => {
      const storage = create();
      await using orders = await after.Orders.open({ storage });
      await using later = await LaterTills.open({ storage });
      const till = Till.create('Till.Opened', {}, 'till');
      await later.save(till);
      await using tills = await Tills.open({ storage });
      tills.follow(orders.log);
      await orders.save(Order.make().pay());
      expect(await tills.run()).toBe(2);
      await later.save((await later.repository.get(Till, 'till')).add('Till.Locked'));
      await orders.save(Order.make(), Order.make().pay(), Order.make().pay());
      for (let round = 0; round < 2; round += 1) {
        const error = await rejectionOf(tills.run(), OtherVersionError);
        expect(error).toMatchObject({
          reason: 'AGGREGATE_UNKNOWN',
          notificationId: 5,
          eventType: 'Order.Paid',
        });
        expect(error.message).toContain(
          "with notification 5 of 'orders' ('Order.Paid'): Application 'tills' cannot load",
        );
        expect(error.cause).toBeInstanceOf(UnknownEventError);
      }
      expect(await tills.log.head()).toBe(3);
    });
  },
);

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}
const money = defineType({
  name: 'Money',
  type: Money,
  encode: ({ cents }) => cents,
  decode: (cents) => new Money(cents),
});

type PaymentEvent = DomainEvent<'Payment.Made', { amount: number | Money }>;
class Payment extends Aggregate<PaymentEvent> {}
class Payments extends Application<PaymentEvent> {
  static readonly applicationName = 'payments';
  static readonly emits = ['Payment.Made'] as const;
}
class Receipts extends ProcessApplication<PaymentEvent, PaymentEvent> {
  static readonly applicationName = 'receipts';
  static readonly emits = ['Payment.Made'] as const;
  override readonly policy = this.when({
    'Payment.Made': ({ data }, repository) =>
      Payment.create('Payment.Made', { amount: data.amount as number }, repository.deriveId()),
  });
}

test.each(storages)(
  'an event with data of an unknown custom type makes its follower wait, on $name',
  async ({ create }) => {
    const storage = create();
    await using payments = await Payments.open({ storage, types: [money] });
    await payments.save(Payment.create('Payment.Made', { amount: 1 }));
    await payments.save(Payment.create('Payment.Made', { amount: new Money(2) }));
    await using older = await Receipts.open({ storage });
    older.follow(payments.log);
    const error = await rejectionOf(older.run(), OtherVersionError);
    expect(error).toMatchObject({ reason: 'DATA_UNKNOWN', notificationId: 2, eventType: 'Payment.Made' });
    expect(error.message).toContain(`its type "Money" is unknown: see defineType`);
    await using newer = await Receipts.open({ storage, types: [money] });
    newer.follow(payments.log);
    expect(await newer.run()).toBe(1);
    expect(await older.run()).toBe(0);
    expect(await older.log.head()).toBe(2);
  },
);
