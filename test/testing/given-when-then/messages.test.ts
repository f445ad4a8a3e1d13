import { AssertionError } from 'node:assert';
import { InvalidArgumentError, InvalidOptionError, memory, System } from 'kahn';
import { given } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payment } from '../../../examples/shop/payment.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { rejectionOf } from '../../support/errors.ts';

const order = Order.place('ada');
const reserved = { type: 'Reservation.Created', data: { orderId: order.id }, originatorId: 'r-1' } as const;

describe('a failed test', () => {
  test('names the policy, has what was compared, and leads to the line of the test', async () => {
    const reservation = given(Orders, [order]).when(Reservations, reserved);
    const expected = [{ type: 'Order.Reserved', data: { reservationId: 'r-2' } }] as const;
    const error = await rejectionOf(reservation.then(expected), AssertionError);
    expect(error).toMatchObject({
      message: "The policy of 'orders' recorded other events than expected.",
      actual: [{ type: 'Order.Reserved', data: { reservationId: 'r-1' } }],
      expected,
    });
    expect(error.stack).toContain("+       reservationId: 'r-1'\n-       reservationId: 'r-2'");
    expect(error.stack?.split('\n').find((line) => /^ +at /.test(line))).toContain('messages.test.ts:');
  });

  test('shows events that are not expected, and expected events that are not recorded', async () => {
    const reservation = given(Orders, [order]).when(Reservations, reserved);
    expect(await rejectionOf(reservation.then([]), AssertionError)).toMatchObject({
      actual: [{ type: 'Order.Reserved', originatorId: order.id, data: { reservationId: 'r-1' } }],
    });
    const other = await rejectionOf(
      reservation.then([{ type: 'Order.Paid', originatorVersion: 2 }]),
      AssertionError,
    );
    expect(other.actual).toEqual([
      { type: 'Order.Reserved', originatorId: order.id, data: { reservationId: 'r-1' } },
    ]);
  });

  test('says that the policy has no handler', async () => {
    const ignored = given(Payments).when(Orders, order);
    const error = await rejectionOf(ignored.then([{ type: 'Payment.Created' }]), AssertionError);
    expect(error.message).toBe(
      "The policy of 'payments' recorded other events than expected. It has no handler for 'Order.Created'.",
    );
  });

  test('says which error is missing, and what was recorded', async () => {
    const reservation = given(Orders, [order]).when(Reservations, reserved);
    const { message } = await rejectionOf(reservation.thenError(RangeError), AssertionError);
    expect(message).toBe(
      "The policy of 'orders' did not fail with RangeError. It recorded:\n" +
        "  { type: 'Order.Reserved', data: { reservationId: 'r-1' } }",
    );
    const ignored = given(Payments).when(Orders, order);
    await expect(ignored.thenError(/no money/)).rejects.toThrow(
      "The policy of 'payments' did not fail with /no money/. It recorded no events.",
    );
  });

  test.each([
    ['class', TypeError, 'TypeError'],
    ['message', /no money/, '/no money/'],
  ])('names both errors, and has the other one as its cause: by %s', async (_, expected, name) => {
    const missing = given(Orders).when(Reservations, reserved);
    const error = await rejectionOf(missing.thenError(expected), AssertionError);
    expect(error.message).toBe(
      `The policy of 'orders' failed with another error than ${name}: AggregateNotFoundError: Application 'orders' has ` +
        `no Order '${order.id}'.`,
    );
    expect(error.cause).toMatchObject({ code: 'AGGREGATE_NOT_FOUND' });
  });

  test('compares the fields of an error', async () => {
    const missing = given(Orders).when(Reservations, reserved);
    await missing.thenError({ code: 'AGGREGATE_NOT_FOUND', originatorId: order.id });
    const error = await rejectionOf(missing.thenError({ code: 'DECLINED', status: 402 }), AssertionError);
    expect(error).toMatchObject({
      actual: { code: 'AGGREGATE_NOT_FOUND' },
      expected: { code: 'DECLINED', status: 402 },
    });
  });
});

describe('a wrong test', () => {
  test('that awaits when() without a check rejects', async () => {
    const reservation: unknown = given(Orders, [order]).when(Reservations, reserved);
    await expect(async () => await (reservation as Promise<void>)).rejects.toThrow(
      'given(…).when(…) was awaited without a check. Add .then([…]) with the expected events, .thenRows({ … }) or .thenError(…).',
    );
  });

  test('that passes no process application is refused', () => {
    expect(() => given(Order as never)).toThrow(
      new InvalidArgumentError(
        'given() takes a class that extends ProcessApplication, as in given(Orders, [order]), not a function.',
      ),
    );
    expect(() => given(Orders, order as never)).toThrow('given() takes an array of events, not an object.');
    expect(() => given(Orders, [], { resource: {} } as never)).toThrow(InvalidOptionError);
  });

  test.each<[string, () => Promise<void>, string | RegExp]>([
    [
      'states something that is no event',
      () =>
        given(Orders, ['o-1' as never])
          .when(Reservations, reserved)
          .then([]),
      "given(Orders, …) takes events such as { type: 'Order.Created', data: { … }, originatorId: '…' } and aggregates, not a string.",
    ],
    [
      'states an event without an aggregate',
      () =>
        given(Orders)
          .when(Reservations, { ...reserved, originatorId: '' })
          .then([]),
      "Expected the originatorId of 'Reservation.Created' in when(Reservations, …) to be a non-empty string, got ''.",
    ],
    [
      'states an aggregate twice',
      () => given(Orders, [order, order]).when(Reservations, reserved).then([]),
      `given(Orders, …) got Order '${order.id}' with pending events from version 1, but the next version is 2. Pass the ` +
        'aggregate with all of its events, once.',
    ],
    [
      'states an event of a type that the upstream does not declare',
      () =>
        given(Orders)
          .when(Reservations, { ...reserved, type: 'Reservation.Gone' } as never)
          .then([]),
      "when(Reservations, …) got 'Reservation.Gone', which 'reservations' does not emit. It emits Reservation.Created: state " +
        'events of another application by when() with its class.',
    ],
    [
      'misspells the type of an event',
      () =>
        given(Orders, [{ type: 'Order.Creatd', data: { customer: 'ada' }, originatorId: 'o-1' } as never])
          .when(Reservations, reserved)
          .then([]),
      /^given\(Orders, …\) got 'Order\.Creatd', which 'orders' does not emit\. Did you mean 'Order\.Created'\?$/,
    ],
    [
      'states events of an application whose events the policy does not handle',
      () =>
        given(Reservations)
          .when(Payments, Payment.for('o-1', 'p-1') as never)
          .then([]),
      /^when\(Payments, …\): the policy of 'reservations' handles none of the events of 'payments' \(Payment\.Created\)\. /,
    ],
    [
      'states events of an application that is not followed',
      () => {
        const system = System.of([
          [Orders, Reservations],
          [Orders, Payments],
        ]);
        return given(Orders, [], { system }).when(Reservations, reserved).then([]);
      },
      "'orders' does not follow 'reservations' in system 'system', so it would not get the events of when(Reservations, …).",
    ],
    [
      'states no upstream',
      () =>
        given(Orders)
          .when({} as never, reserved as never)
          .then([]),
      'to be a class that extends Application or ProcessApplication',
    ],
    [
      'expects no array',
      () =>
        given(Orders)
          .when(Reservations, reserved)
          .then({ type: 'Order.Reserved' } as never),
      'then() takes an array of the expected events, not an object.',
    ],
  ])('that %s is explained', async (_, check, message) => {
    await expect(check()).rejects.toThrow(message);
  });

  test('that states an aggregate without pending events is explained', async () => {
    await using orders = await Orders.open({ storage: memory() });
    const saved = Order.place('ada');
    await orders.save(saved);
    await expect(given(Orders, [saved]).when(Reservations, reserved).then([])).rejects.toThrow(
      `given(Orders, …) got Order '${saved.id}' without pending events: pass an aggregate that is not saved.`,
    );
  });

  test('never counts as a failure of the policy', async () => {
    const undeclared = { ...reserved, type: 'Reservation.Gone' } as never;
    await expect(
      given(Orders).when(Reservations, undeclared).thenError(InvalidArgumentError),
    ).rejects.toThrow(InvalidArgumentError);
  });
});
