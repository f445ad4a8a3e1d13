import { inspect } from 'node:util';
import {
  Application,
  type DownstreamError,
  InvalidArgumentError,
  InvalidPositionError,
  memory,
  type NotificationLog,
  RecordConflictError,
  run,
  System,
  UndeclaredEventError,
} from 'kahn';
import { postgres } from 'kahn/postgres';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, test, vi } from 'vitest';
import { Order } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';
import { Payment } from '../../examples/shop/payment.ts';
import { Reservations } from '../../examples/shop/reservations.ts';
import { rejectionOf } from '../support/errors.ts';
import { storages } from '../support/storages.ts';
import { brokenShop } from '../support/systems/broken-shop.ts';

const orderWith = (id: string) => Order.create('Order.Created', { customer: 'ada' }, id);

describe.each(storages)('on $name', ({ create }) => {
  test('a save says why an id cannot be taken: at the same time, twice in it, or long ago', async () => {
    await using orders = await Orders.open({ storage: create() });
    const atOnce = await Promise.allSettled([orders.save(orderWith('a')), orders.save(orderWith('a'))]);
    const lost = atOnce.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    const twice = await rejectionOf(orders.save(orderWith('b'), orderWith('b')), RecordConflictError);
    for (const error of [...lost, twice]) {
      expect(error.message).toMatch(
        /^Application 'orders' cannot record version 1 of aggregate '[ab]': two saves, or two aggregates of one save, create it at the same time\. Get that aggregate, or choose another id\.$/,
      );
    }
    expect(lost).toHaveLength(1);
    const taken = await rejectionOf(orders.save(orderWith('a')), RecordConflictError);
    expect(taken.message).toContain('an aggregate with this id is at version 1 already');
  });
});

test('an event that is not declared leads to the declared name, or to its own application', async () => {
  await using orders = await Orders.open({ storage: memory() });
  const misspelt = Order.create('Order.Creatd' as 'Order.Created', { customer: 'ada' });
  const error = await rejectionOf(orders.save(misspelt), UndeclaredEventError);
  expect(error.message).toMatch(/\. Did you mean 'Order\.Created'\? If not, add the event there\.$/);
  const foreign = Payment.create('Payment.Created', { orderId: 'o-1' }, 'p-1') as never;
  const other = await rejectionOf(orders.save(foreign), UndeclaredEventError);
  expect(other.message).toBe(
    "Application 'orders' cannot record 'Payment.Created': it is not listed in its 'static readonly emits'. Add an event " +
      'of this application there. Save an aggregate of another application by that application.',
  );
});

test.each([[5], [undefined], ['1'], ['1,21']])('a log has no section %j', async (id) => {
  await using orders = await Orders.open({ storage: memory() });
  const error = await rejectionOf(orders.log.section(id as string), InvalidPositionError);
  expect(error.message).toContain(
    `The log of 'orders' has no section ${inspect(id)}: use 'current' or ids such as`,
  );
});

test.each<[unknown, string]>([
  [undefined, 'undefined'],
  [() => {}, 'a function'],
  [[], 'an array'],
])('a policy is made from an object of handlers, not from %o', (handlers, kind) => {
  class Odd extends Reservations {
    override readonly policy = this.when(handlers as object);
  }
  expect(() => System.of([[Orders, Odd]])).toThrow(
    `The policy of 'reservations' needs an object of handlers by event type, as in this.when({ 'Order.Created': (event) => … }), got ${kind}.`,
  );
});

test('follow() takes a log', async () => {
  await using orders = await Orders.open({ storage: memory() });
  const follow = () => orders.follow(orders as unknown as NotificationLog);
  expect(follow).toThrow(InvalidArgumentError);
  expect(follow).toThrow('Orders.follow() takes the log of an application, not an object.');
});

test('a class without a name is called anonymous', () => {
  const classes = [class extends Application {}];
  expect(() => System.of([classes] as never)).toThrow(
    "Class (anonymous) needs 'static readonly applicationName'",
  );
});

test('canonicalHistories() takes open applications', async () => {
  await expect(canonicalHistories([Orders as never])).rejects.toThrow(
    'canonicalHistories() takes open applications, not a function.',
  );
});

test('a database that was guessed is called that', async () => {
  for (const name of ['PGHOST', 'PGPORT', 'PGDATABASE', 'PGUSER']) vi.stubEnv(name, undefined);
  vi.stubEnv('PGPORT', '1');
  const opening = Orders.open({ storage: postgres({ connectionString: undefined as never }) });
  await expect(opening).rejects.toThrow(
    /^Application 'orders' cannot use schema 'kahn' of (the database|database '\w+') at localhost:1 \(no connectionString was given, and PGHOST is not set\): the server is unreachable\./,
  );
  vi.unstubAllEnvs();
});

test('an error of a policy is printed once', async () => {
  await using runner = await run(brokenShop.bind(memory()));
  const error = await runner
    .get(Orders)
    .place('mallory')
    .catch((thrown: DownstreamError) => thrown);
  expect(inspect(error).match(/RangeError: nothing for mallory/g)).toHaveLength(1);
  expect((error as DownstreamError).failures.get('reservations')).toBe((error as DownstreamError).cause);
});
