import { newId, run, System } from 'kahn';
import { derivedId, given } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payment } from '../../../examples/shop/payment.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { causedId } from '../../../src/util/ids.ts';
import { storages } from '../../support/storages.ts';
import { Letters } from './letters.ts';

const order = Order.place('ada');
const reserved = { type: 'Reservation.Created', data: { orderId: order.id }, originatorId: 'r-1' } as const;

describe.each(storages)('on $name', ({ create }) => {
  test('a policy changes aggregates that are given, event by event', async () => {
    await given(Orders, [order], { storage: create() })
      .when(Reservations, reserved)
      .when(Payments, Payment.for(order.id, 'p-1'))
      .then([
        {
          type: 'Order.Reserved',
          data: { reservationId: 'r-1' },
          originatorId: order.id,
          originatorVersion: 2,
        },
        { type: 'Order.Paid', data: { paymentId: 'p-1' }, originatorId: order.id, originatorVersion: 3 },
      ]);
  });
});

test('plain events of one aggregate get consecutive versions', async () => {
  await given(Orders, [
    { type: 'Order.Created', data: { customer: 'ada' }, originatorId: 'o-1' },
    { type: 'Order.Paid', data: { paymentId: 'p-1' }, originatorId: 'o-1' },
  ])
    .when(Reservations, { ...reserved, data: { orderId: 'o-1' } })
    .then([{ type: 'Order.Reserved', originatorVersion: 3 }]);
});

test('several events of one call are handled in their order', async () => {
  await given(Payments)
    .when(
      Orders,
      { type: 'Order.Reserved', data: { reservationId: 'r-1' }, originatorId: 'o-1' },
      { type: 'Order.Paid', data: { paymentId: 'p-0' }, originatorId: 'o-1' },
      { type: 'Order.Reserved', data: { reservationId: 'r-2' }, originatorId: 'o-2' },
    )
    .then([
      { type: 'Payment.Created', data: { orderId: 'o-1' } },
      { type: 'Payment.Created', data: { orderId: 'o-2' } },
    ]);
});

test('a policy that ignores an event records nothing', async () => {
  await given(Payments).when(Orders, order).then([]);
});

describe('ids, causes and times', () => {
  const placed = { type: 'Order.Created', data: { customer: 'ada' }, originatorId: 'o-1' } as const;

  test('derivedId() stands for an id that the policy makes', async () => {
    await given(Reservations)
      .when(Orders, placed, { ...placed, originatorId: 'o-2' })
      .then([
        { type: 'Reservation.Created', originatorId: derivedId('first'), data: { orderId: 'o-1' } },
        { type: 'Reservation.Created', originatorId: derivedId('second'), data: { orderId: 'o-2' } },
      ]);
  });

  test.each([
    ['one role does not stand for two ids', 'reservation', 'reservation'],
    ['a role does not stand for an id that the test states', 'reservation', order.id],
  ])('%s', async (_, first, second) => {
    const same = given(Reservations)
      .when(Orders, placed, { ...placed, originatorId: order.id })
      .then([
        { type: 'Reservation.Created', originatorId: derivedId(first), data: { orderId: 'o-1' } },
        second === order.id
          ? { type: 'Reservation.Created', data: { orderId: derivedId('order') } }
          : { type: 'Reservation.Created', originatorId: derivedId(second) },
      ]);
    await expect(same).rejects.toThrow("The policy of 'reservations' recorded other events than expected.");
  });

  describe('derivedId() does not stand for', () => {
    class Unrepeatable extends Reservations {
      id: (() => string) | undefined;
      override readonly policy = this.when({
        'Order.Created': ({ originatorId }) =>
          Reservation.create('Reservation.Created', { orderId: originatorId }, this.id?.()),
      });
    }
    class WithNewId extends Unrepeatable {
      override id = newId;
    }
    class WithAnotherId extends Unrepeatable {
      override id = () =>
        causedId({ originatorId: 'o-1', originatorVersion: 1, timestamp: 1 }, 'orders', 'others', 1);
    }

    test.each([
      ['the id of an aggregate that is created without one', Unrepeatable],
      ['an id of newId()', WithNewId],
      ['an id derived elsewhere', WithAnotherId],
    ])('%s', async (_, unrepeatable) => {
      const reservations = given(unrepeatable)
        .when(Orders, placed)
        .then([{ type: 'Reservation.Created', originatorId: derivedId('reservation') }]);
      await expect(reservations).rejects.toThrow(
        /^The policy of 'reservations' recorded other events than expected\. Id '[0-9a-f-]{36}' does not come from repository\.deriveId\(\): a random id /,
      );
    });
  });

  test('derivedId() stands for ids that are derived in an earlier when(), and in an attempt', async () => {
    class Repeating extends Reservations {
      first = '';
      override readonly policy = this.when({
        'Order.Created': async (_, repository) => {
          if (this.first === '') this.first = repository.deriveId();
          return repository.attempt(() => Reservation.for(this.first, repository.deriveId()));
        },
      });
    }
    await given(Repeating)
      .when(Orders, placed)
      .when(Orders, { ...placed, originatorId: 'o-2' })
      .then([
        {
          type: 'Reservation.Created',
          originatorId: derivedId('one'),
          data: { orderId: derivedId('first') },
        },
        {
          type: 'Reservation.Created',
          originatorId: derivedId('two'),
          data: { orderId: derivedId('first') },
        },
      ]);
  });

  test('two roles do not stand for one id', async () => {
    const letters = given(Letters).when(Orders, placed);
    await letters.then([
      { type: 'Letter.Written', originatorId: derivedId('letter') },
      { type: 'Letter.Posted', originatorId: derivedId('letter') },
      { type: 'Letter.Opened' },
    ]);
    const differs = letters.then([
      { type: 'Letter.Written', originatorId: derivedId('letter') },
      { type: 'Letter.Posted', originatorId: derivedId('other letter') },
      { type: 'Letter.Opened' },
    ]);
    await expect(differs).rejects.toThrow('recorded other events than expected');
  });

  test('ids, causes, correlation ids and metadata are those of a running system', async () => {
    await using runner = await run(System.of([[Orders, Reservations]]));
    await runner.get(Orders).save(order, { correlationId: 'c-1', metadata: { user: 'ada' } });
    const [placed] = await runner.get(Orders).reader().read();
    const [made] = await runner.get(Reservations).reader().read();
    if (placed?.event.type !== 'Order.Created' || made === undefined) throw new Error('nothing is recorded');
    const { timestamp: _, ...effect } = made.event;
    await given(Reservations).when(Orders, placed.event).then([effect]);
    expect(effect).toMatchObject({
      cause: { notificationId: 1 },
      correlationId: 'c-1',
      metadata: { user: 'ada' },
    });
  });
});
