import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import {
  Aggregate,
  type DomainEvent,
  defineEvents,
  EventInvalidError,
  type EventsOf,
  event,
  nameId,
  type Personal,
  PolicyError,
  ProcessApplication,
  personal,
  System,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { derivedId, given } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { Order, type OrderEvent } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { Money, money } from '../../support/systems/money.ts';
import { Letter, type LetterEvent, Letters } from './letters.ts';

const order = Order.place('ada');

test('events of an applyPolicyToGeneratedEvents application, also outside of the log, are compared', async () => {
  await given(Letters)
    .when(Orders, order)
    .then([
      { type: 'Letter.Written', originatorId: derivedId('letter'), data: { to: 'ada' } },
      { type: 'Letter.Posted', originatorId: derivedId('letter') },
      { type: 'Letter.Opened', originatorId: derivedId('letter'), data: { by: 'the clerk' } },
    ]);
});

class Copies extends ProcessApplication<LetterEvent, LetterEvent> {
  static readonly applicationName = 'copies';
  static readonly emits = ['Letter.Written', 'Letter.Posted', 'Letter.Opened'] as const;
  override readonly policy = this.when({
    'Letter.Written': ({ data, originatorId }, repository) =>
      data.to === 'archive' || originatorId === 'never'
        ? undefined
        : Letter.create('Letter.Written', { to: 'archive' }, repository.deriveId()),
  });
}

test('an application that follows itself handles the events of when(), and not those that are given', async () => {
  const written = { type: 'Letter.Written', data: { to: 'ada' } } as const;
  await given(Copies, [{ ...written, originatorId: 'l-1' }])
    .when(Copies, { ...written, originatorId: 'l-2' })
    .then([
      {
        type: 'Letter.Written',
        data: { to: 'archive' },
        cause: { applicationName: 'copies', pipelineId: 0, notificationId: 2 },
      },
    ]);
});

type ChargeEvent = DomainEvent<'Charge.Made', { receipt: string }>;
class CardDeclined extends Error {
  readonly code = 'DECLINED';
}
class Charge extends Aggregate<ChargeEvent> {}
interface ChargeResources {
  readonly gateway: { charge(orderId: string): Promise<string> };
  readonly limit: number;
}
class Charges extends ProcessApplication<ChargeEvent, OrderEvent, { resources: ChargeResources }> {
  static readonly applicationName = 'charges';
  static readonly emits = ['Charge.Made'] as const;
  static readonly errorRules = [
    { error: CardDeclined, retry: { times: 3, firstMs: 60_000 } },
    { action: 'park' },
  ] as const;
  override readonly policy = this.when({
    'Order.Created': async ({ originatorId }, _, { resources }) => {
      const receipt = await resources.gateway.charge(originatorId);
      return Charge.create('Charge.Made', { receipt }, nameId('charge', originatorId));
    },
  });
}

describe('resources', () => {
  test('reach the handlers', async () => {
    const gateway = { charge: async (orderId: string) => `receipt of ${orderId}` };
    await given(Charges, [], { resources: { gateway } })
      .when(Orders, order)
      .then([{ type: 'Charge.Made', data: { receipt: `receipt of ${order.id}` } }]);
  });

  test.each([
    ['class', CardDeclined],
    ['message', /no money/],
    ['fields', { code: 'DECLINED' }],
  ])('make the policy fail with an error, expected by its %s', async (_, expected) => {
    const gateway = {
      charge: async () => {
        throw new CardDeclined('no money');
      },
    };
    await given(Charges, [], { resources: { gateway } }).when(Orders, order).thenError(expected);
  });
});

test('error rules neither retry nor park in a test', async () => {
  const park = given(Charges).when(Orders, order);
  await park.thenError(TypeError); // without a gateway
});

test('then() rejects with the error of a policy that fails', async () => {
  const failing = given(Orders).when(Reservations, {
    type: 'Reservation.Created',
    data: { orderId: order.id },
    originatorId: 'r-1',
  });
  await expect(failing.then([])).rejects.toThrow(PolicyError);
});

const parcelEvents = defineEvents({
  'Parcel.Sent': event(z.object({ to: z.string(), grams: z.number().positive() })),
  'Parcel.Priced': event<{ price: Money }>(),
  'Parcel.Addressed': event<{ address: Personal<string> }>(),
});
type ParcelEvent = EventsOf<typeof parcelEvents>;
class Parcel extends Aggregate<ParcelEvent> {
  price(): void {
    this.trigger('Parcel.Priced', { price: new Money(500) });
  }
  address(address: Personal<string>): void {
    this.trigger('Parcel.Addressed', { address });
  }
}
class Parcels extends ProcessApplication<ParcelEvent, ParcelEvent> {
  static readonly applicationName = 'parcels';
  static readonly emits = parcelEvents;
  override readonly policy = this.when({
    'Parcel.Sent': async ({ originatorId, data }, repository) => {
      const parcel = await repository.get(Parcel, originatorId);
      if (data.to === 'ada') parcel.address(personal('ada', '1 Analytical Row'));
      else parcel.price();
    },
  });
}
const post = System.of([[Parcels, Parcels]], { types: [money] });
const sent = { type: 'Parcel.Sent', originatorId: 'p-1' } as const;

describe('data', () => {
  test('that does not fit the schema of its type is refused', async () => {
    const broken = given(Parcels).when(Parcels, { ...sent, data: { to: 'bob', grams: -1 } });
    await expect(broken.then([])).rejects.toThrow(EventInvalidError);
  });

  test('may hold the custom types of the system', async () => {
    await given(Parcels, [], { system: post })
      .when(Parcels, { ...sent, data: { to: 'bob', grams: 1 } })
      .then([{ type: 'Parcel.Priced', data: { price: new Money(500) } }]);
    const unknown = given(Parcels).when(Parcels, { ...sent, data: { to: 'bob', grams: 1 } });
    await unknown.thenError(/Money/);
  });

  test('that is personal is compared by its content', async () => {
    const toAda = given(Parcels).when(Parcels, { ...sent, data: { to: 'ada', grams: 1 } });
    await toAda.then([{ type: 'Parcel.Addressed', data: { address: personal('ada', '1 Analytical Row') } }]);
    const other = toAda.then([{ type: 'Parcel.Addressed', data: { address: personal('ada', '2 Row') } }]);
    await expect(other).rejects.toMatchObject({
      actual: [{ data: { address: { subject: 'ada', value: '1 Analytical Row' } } }],
    });
  });

  test('may be matched by the matchers of a test framework', async () => {
    const reservation = given(Reservations).when(Orders, order);
    await reservation.then([{ type: 'Reservation.Created', data: { orderId: expect.any(String) } }]);
    const number = reservation.then([{ type: 'Reservation.Created', data: { orderId: expect.any(Number) } }]);
    await expect(number).rejects.toThrow('recorded other events than expected');
  });
});

test.runIf(existsSync('/proc/self/fd'))('no file stays open, whatever the outcome', async () => {
  const file = join(temporaryDirectory(), 'shop.db');
  const openFiles = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      const path = `/proc/self/fd/${fd}`;
      return existsSync(path) && readlinkSync(path).startsWith(file);
    });
  const reservation = given(Reservations, [], { storage: sqlite({ file }) }).when(Orders, order);
  await reservation.then([{ type: 'Reservation.Created' }]);
  expect(existsSync(file)).toBe(true);
  expect(openFiles()).toEqual([]);
  const other = { type: 'Order.Created', data: { customer: 'bob' }, originatorId: 'o-2' } as const;
  const again = given(Reservations, [], { storage: sqlite({ file }) });
  await expect(again.when(Orders, other).then([])).rejects.toThrow('recorded other events');
  expect(openFiles()).toEqual([]);
  await expect(again.when(Orders, order).then([])).rejects.toThrow(); // it is recorded already
  expect(openFiles()).toEqual([]);
});
