import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import {
  type ErrorRule,
  type EventPlace,
  type Explanation,
  explain,
  InvalidArgumentError,
  InvalidOptionError,
  MultiThreadedRunner,
  memory,
  NotificationNotFoundError,
  RunnerClosedError,
  run,
  System,
  type TracedEffect,
  UnknownApplicationError,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';

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

/** Checks that an earlier tree lacks only what followers had not processed. */
function assertPartOf(earlier: TracedEffect, final: TracedEffect): void {
  const complete = final.effects.filter(
    ({ applicationName }) => !earlier.unprocessedBy.includes(applicationName),
  );
  expect(earlier.effects.map(nameOf)).toEqual(complete.map(nameOf));
  for (const [i, effect] of earlier.effects.entries()) assertPartOf(effect, complete[i] as TracedEffect);
}

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
      parkedBy: [],
    });
    const middle = await explain(runner, Payments, 2);
    expect(middle.causes.map(nameOf)).toEqual(['orders 5', 'reservations 2', 'orders 4']);
    expect(namesIn(middle.event)).toEqual({ 'payments 2': { 'orders 6': {} } });
  });

  test('shows parts of the final tree while the system runs, and what is not processed yet', async () => {
    const storage = create();
    await using runner = await MultiThreadedRunner.start(shop, { storage });
    const orders = runner.get(Orders);
    const placing = Array.from({ length: 150 }, (_, i) => orders.place(`${i}`));
    const seen: Explanation[] = [];
    let isPlacing = true;
    const placed = Promise.all(placing).then(() => (isPlacing = false));
    do {
      await setImmediate(); // memory answers at once, so that nothing else would run
      const head = await orders.log.head();
      if (head > 0) seen.push(await explain(runner, Orders, 1 + Math.floor(head / 2)));
    } while (isPlacing || seen.length < 10);
    await placed;
    await runner.caughtUp();
    for (const { event, causes } of seen) {
      const final = await explain(runner, Orders, event.notificationId);
      expect(causes).toEqual(final.causes);
      assertPartOf(event, final.event);
    }
  });

  test('explains the events of each pipeline', async () => {
    const storage = create();
    const options = { pipelineIds: [0, 4] };
    await using runner = await MultiThreadedRunner.start(shop, { storage, ...options });
    for (const pipelineId of [0, 4]) await runner.get(Orders, pipelineId).place('ada');
    const { pipelineId, notificationId } = await runner.get(Orders, 4).save(Order.place('eve'));
    await runner.caughtUp();
    const explanation = await explain(storage, Orders, notificationId, { pipelineId });
    const reserved = { applicationName: 'reservations', pipelineId: 4, notificationId: 2 };
    expect(explanation.event.effects).toMatchObject([reserved]);
    expect(String(explanation)).toContain('└─ payments (pipeline 4) 2');
    await rejectionOf(explain(storage, 'reservations', 2), NotificationNotFoundError);
  });

  test('names followers that have parked an event, and why', async () => {
    const storage = create();
    class CardDeclined extends Error {
      override readonly name = 'CardDeclined';
    }
    class Declining extends Payments {
      static readonly errorRules: readonly ErrorRule[] = [{ error: CardDeclined, action: 'park' }];
      override readonly policy = this.when({
        'Order.Reserved': () => {
          throw new CardDeclined('no funds');
        },
      });
    }
    const declining = System.of([
      [Orders, Reservations, Orders],
      [Orders, Declining, Orders],
    ]);
    await using runner = await run(declining, { storage });
    await expect(runner.get(Orders).place('ada')).rejects.toMatchObject({
      cause: { code: 'NOTIFICATION_PARKED' },
    });
    const { event } = await explain(runner, Orders, 1);
    expect(namesIn(event)).toEqual({ 'orders 1': { 'reservations 1': { 'orders 2': {} } } });
    const [reserved] = event.effects[0]!.effects;
    expect(reserved).toMatchObject({
      unprocessedBy: [],
      parkedBy: [
        {
          applicationName: 'payments',
          since: expect.any(Number),
          attempts: 1,
          isDue: false,
          error: { name: 'CardDeclined', message: 'no funds' },
        },
      ],
    });
    expect(String(await explain(runner, Orders, 2))).toMatch(
      /orders 2 .*\n +└─ parked by payments since 20\S+Z after 1 try\n +└─ CardDeclined: no funds\n$/,
    );
  });

  test('names followers that have not begun, if it knows the system', async () => {
    const storage = create();
    await using orders = await shop.open(Orders, { storage });
    await orders.place('ada');
    expect((await explain(storage, Orders, 1)).event.unprocessedBy).toEqual([]);
    const { event } = await explain({ storage, system: shop }, Orders, 1);
    expect(event.unprocessedBy).toEqual(['reservations']); // payments ignore Order.Created
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
  const swapped: [unknown, unknown, unknown, string][] = [
    [Orders, runner, 1, 'a running system or storage, as in explain(runner, Orders, 1), got [class Orders'],
    [
      { url: 'secret' },
      Orders,
      1,
      'a running system or storage, as in explain(runner, Orders, 1), got an object.',
    ],
    [runner, 1, Orders, 'the class or the name of an application, as in explain(runner, Orders, 1), got 1.'],
    [
      runner,
      Orders,
      1.5,
      'a notification id that is an integer >= 1, as in explain(runner, Orders, 1), got 1.5.',
    ],
  ];
  for (const [source, application, id, message] of swapped) {
    const call = explain(source as never, application as never, id as number);
    expect((await rejectionOf(call, InvalidArgumentError)).message).toContain(`Expected ${message}`);
  }
  const reason = new Error('no time');
  await expect(explain(runner, Orders, 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await rejectionOf(explain(memory(), Orders, 1), UnknownApplicationError);
  const nowhere = sqlite({ directory: join(temporaryDirectory(), 'nowhere') });
  await expect(explain(nowhere, Orders, 1)).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
  await runner.close();
  await rejectionOf(explain(runner, Orders, 1), RunnerClosedError);
  expect(namesIn((await explain(storage, Orders, 1)).event)).toEqual(firstOrder);
});

test('rejects tables of an earlier release, and leaves them as they are', async () => {
  const directory = temporaryDirectory();
  const storage = sqlite({ directory });
  await (await shop.open(Orders, { storage })).close();
  const file = new DatabaseSync(join(directory, 'orders.sqlite'));
  file.exec('pragma user_version = 2');
  await expect(explain(storage, Orders, 1)).rejects.toMatchObject({ code: 'STORAGE_OLDER' });
  expect(file.prepare('pragma user_version').get()).toEqual({ user_version: 2 });
  file.close();
});
