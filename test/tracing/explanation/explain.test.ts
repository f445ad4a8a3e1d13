import {
  type EventPlace,
  explain,
  InvalidArgumentError,
  InvalidOptionError,
  memory,
  NotificationNotFoundError,
  RunnerClosedError,
  run,
  type TracedEffect,
  UnknownApplicationError,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';

const nameOf = ({ applicationName, notificationId }: EventPlace) => `${applicationName} ${notificationId}`;

/** A tree of names, such as `{ 'orders 1': { 'payments 1': {} } }`. */
interface Names {
  readonly [name: string]: Names;
}

const namesIn = (event: TracedEffect): Names => ({
  [nameOf(event)]: Object.assign({}, ...event.effects.map(namesIn)),
});

const firstOrder: Names = {
  'orders 1': { 'reservations 1': { 'orders 2': { 'payments 1': { 'orders 3': {} } } } },
};

describe.each(storages)('explain() on $name', ({ create }) => {
  test('gives the causes and the effects of an event, across applications', async () => {
    const storage = create();
    await using runner = await run(shop, { storage });
    const options = { metadata: { user: 'ada' }, correlationId: 'order 1' };
    const order = Order.place('ada');
    await runner.get(Orders).save(order, options);
    for (const customer of ['bob', 'eve']) await runner.get(Orders).place(customer);
    const whole = await explain(runner, Orders, 1);
    expect(namesIn(whole.event)).toEqual(firstOrder);
    expect(whole).toMatchObject({ causes: [], origin: { kind: 'command' }, cuts: [] });
    const last = await explain(storage, 'orders', 3);
    expect(last.causes.map(nameOf)).toEqual(['payments 1', 'orders 2', 'reservations 1', 'orders 1']);
    expect(last.origin).toEqual({ kind: 'command' });
    expect(last.event).toEqual({
      applicationName: 'orders',
      pipelineId: 0,
      notificationId: 3,
      type: 'Order.Paid',
      originatorId: order.id,
      originatorVersion: 3,
      timestamp: expect.any(Number),
      cause: { applicationName: 'payments', pipelineId: 0, notificationId: 1 },
      ...options,
      effects: [],
      unprocessedBy: [],
    });
    const middle = await explain(runner, Payments, 2);
    expect(middle.causes.map(nameOf)).toEqual(['orders 5', 'reservations 2', 'orders 4']);
    expect(namesIn(middle.event)).toEqual({ 'payments 2': { 'orders 6': {} } });
  });
});

test('rejects missing applications, missing notifications and wrong arguments', async () => {
  const storage = memory();
  await using runner = await run(shop, { storage });
  await runner.get(Orders).place('ada');
  const unknown = await rejectionOf(explain(storage, 'order', 1), UnknownApplicationError);
  expect(unknown.message).toBe(
    "The storage has no application 'order'. Did you mean 'orders'? Its applications: orders, payments, reservations.",
  );
  const missing = await rejectionOf(explain(runner, Orders, 4), NotificationNotFoundError);
  expect(missing).toMatchObject({
    code: 'NOTIFICATION_NOT_FOUND',
    applicationName: 'orders',
    pipelineId: 0,
    notificationId: 4,
    head: 3,
    message: "Application 'orders' has no notification 4: its log of pipeline 0 ends at notification 3.",
  });
  const elsewhere = await rejectionOf(
    explain(runner, Orders, 1, { pipelineId: 2 }),
    NotificationNotFoundError,
  );
  expect(elsewhere.message).toBe(
    "Application 'orders' has no notification 1: its log of pipeline 2 is empty.",
  );
  for (const id of [0, -1, 1.5, '1', undefined]) {
    await rejectionOf(explain(runner, Orders, id as number), InvalidArgumentError);
  }
  for (const application of [undefined, null, {}, 7]) {
    await rejectionOf(explain(runner, application as never, 1), InvalidArgumentError);
  }
  for (const options of [{ depth: -1 }, { breadth: 0 }, { deep: 1 }]) {
    await rejectionOf(explain(runner, Orders, 1, options), InvalidOptionError);
  }
  for (const source of [{}, { storage: 'memory' }, undefined]) {
    await rejectionOf(explain(source as never, Orders, 1), InvalidArgumentError);
  }
  const reason = new Error('no time');
  await expect(explain(runner, Orders, 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await rejectionOf(explain(memory(), Orders, 1), UnknownApplicationError);
  await runner.close();
  await rejectionOf(explain(runner, Orders, 1), RunnerClosedError);
  expect(namesIn((await explain(storage, Orders, 1)).event)).toEqual(firstOrder);
});
