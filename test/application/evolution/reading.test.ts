import { type Notification, SingleThreadedRunner, type StorageDescription, UnknownEventError } from 'kahn';
import { describe, expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import * as earlier from '../../support/systems/evolution/earlier.ts';
import * as later from '../../support/systems/evolution/later.ts';

/** Records an order with all kinds of former events, whose last one is dropped. */
async function recordEarlier(storage: StorageDescription): Promise<void> {
  await using orders = await earlier.Orders.open({ storage });
  const order = earlier.Order.place('ada', 2, 'order');
  order.note('a').change({ name: 'bea', to: 'Rome' }).change({}).change({ to: 'Oslo' }).note('b');
  await orders.save(order);
}

const allSteps = ['1 Order.Created', '3 Order.Renamed', '3 Order.Moved', '5 Order.Moved'];

function briefly({ id, event }: Notification): string {
  return `${id} v${event.originatorVersion} ${event.type} ${JSON.stringify(event.data)}`;
}

const allNotifications = [
  '1 v1 Order.Created {"customer":"ada","grams":1000}',
  '3 v3 Order.Renamed {"name":"bea"}',
  '3 v3 Order.Moved {"to":"Rome"}',
  '5 v5 Order.Moved {"to":"Oslo"}',
];

describe.each(storages)('events of an earlier version, on $name', ({ create }) => {
  test('are loaded as newer ones, at every version of the aggregate', async () => {
    const storage = create();
    await recordEarlier(storage);
    await using orders = await later.Orders.open({ storage });
    const order = await orders.repository.get(later.Order, 'order');
    expect(order).toMatchObject({ customer: 'bea', grams: 1_000, to: 'Oslo', version: 6, steps: allSteps });
    const lengths = [1, 1, 3, 3, 4, 4];
    for (const [i, length] of lengths.entries()) {
      const version = i + 1;
      const then = await orders.repository.get(later.Order, 'order', { version });
      expect([then.version, then.steps]).toEqual([version, allSteps.slice(0, length)]);
    }
    await expect(orders.repository.get(later.Order, 'order', { version: 7 })).rejects.toMatchObject({
      code: 'AGGREGATE_NOT_FOUND',
    });
  });

  test('are followed by new ones, which are recorded with the newest version', async () => {
    const storage = create();
    await recordEarlier(storage);
    await using orders = await later.Orders.open({ storage });
    await orders.save((await orders.repository.get(later.Order, 'order')).move('Bern'));
    await orders.save(later.Order.make('cy', 5, 'new').move('Rome'));
    const stored = await orders.log.select(6, 10);
    expect(stored.map(({ type }) => type)).toEqual(['Order.Moved', 'Order.Created@2', 'Order.Moved']);
    await using again = await later.Orders.open({ storage });
    for (const one of [orders, again]) {
      expect(await one.repository.get(later.Order, 'order')).toMatchObject({ to: 'Bern', version: 7 });
      expect(await one.repository.get(later.Order, 'new')).toMatchObject({
        grams: 5,
        to: 'Rome',
        version: 2,
      });
    }
  });

  test('are converted once, and then cached', async () => {
    const storage = create();
    await recordEarlier(storage);
    await using orders = await later.Orders.open({ storage });
    const before = { ...later.calls };
    for (let i = 0; i < 3; i += 1) await orders.repository.get(later.Order, 'order');
    await orders.save((await orders.repository.get(later.Order, 'order')).move('Bern'));
    await orders.repository.get(later.Order, 'order');
    expect(later.calls).toEqual({ grams: before.grams + 1, split: before.split + 3, drop: before.drop + 2 });
  });

  test('are converted once also if such an event is the last one', async () => {
    const storage = create();
    await using before = await earlier.Orders.open({ storage });
    await before.save(earlier.Order.place('ada', 2, 'order'));
    await using orders = await later.Orders.open({ storage });
    const { grams } = later.calls;
    for (let i = 0; i < 3; i += 1) await orders.repository.get(later.Order, 'order');
    expect(later.calls.grams).toBe(grams + 1);
  });

  test('are read by readers in order, with the id of the recorded one', async () => {
    const storage = create();
    await recordEarlier(storage);
    await using orders = await later.Orders.open({ storage });
    const reader = orders.reader();
    const all: string[] = [];
    const positions: number[] = [];
    for await (const one of reader) {
      all.push(briefly(one));
      positions.push(reader.position);
    }
    expect(all).toEqual(allNotifications);
    expect(positions).toEqual([1, 2, 3, 5]); // behind a recorded event with the last of its parts
    expect(reader.position).toBe(6);
    const pages: string[][] = [];
    reader.seek(0);
    for (let page = await reader.read(1); page.length > 0; page = await reader.read(1))
      pages.push(page.map(briefly));
    expect(pages).toEqual([
      allNotifications.slice(0, 1),
      allNotifications.slice(1, 3),
      allNotifications.slice(3),
    ]);
    expect(reader.position).toBe(6);
    expect(await reader.read()).toEqual([]);
    expect(await reader.seek(5).read()).toEqual([]);
    expect((await reader.seek(0).read()).map(briefly)).toEqual(allNotifications);
  });

  test('are read again from the first part if a loop ends between parts', async () => {
    const storage = create();
    await recordEarlier(storage);
    await using orders = await later.Orders.open({ storage });
    const reader = orders.reader().seek(1);
    for await (const one of reader) {
      expect(briefly(one)).toBe(allNotifications[1]);
      break;
    }
    const rest: string[] = [];
    for await (const one of reader) rest.push(briefly(one));
    expect(rest).toEqual(allNotifications.slice(1));
  });

  test('are handled part by part, once, with the position', async () => {
    const storage = create();
    await recordEarlier(storage);
    await using runner = await SingleThreadedRunner.start(later.system, { storage });
    await runner.caughtUp();
    const entries: string[] = [];
    const ids = new Set<string>();
    for await (const { event } of runner.get(later.Journal).reader()) {
      entries.push(`${event.cause?.notificationId} ${event.data.what}`);
      ids.add(event.originatorId);
    }
    expect(entries).toEqual(['1 created ada 1000 g', '3 renamed bea', '3 moved Rome', '5 moved Oslo']);
    expect(ids.size).toBe(4);
    const { recorder } = applicationInternals.storeOf(runner.get(later.Journal));
    expect((await recorder.position(0, 'orders')).position).toBe(6);
  });

  test('of a newer version than the code knows are not loaded', async () => {
    const storage = create();
    await using orders = await later.Orders.open({ storage });
    await orders.save(later.Order.make('cy', 5, 'new'));
    await using before = await earlier.Orders.open({ storage });
    const error = await rejectionOf(before.repository.get(earlier.Order, 'new'), UnknownEventError);
    expect(error.eventType).toBe('Order.Created@2');
  });
});
