import { type NotificationLog, OtherVersionError, ProcessApplication, type StorageDescription } from 'kahn';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import * as after from '../../support/systems/versions/after.ts';
import * as before from '../../support/systems/versions/before.ts';
import {
  type EntryEvent,
  entryBy,
  type LaterOrderEvent,
  Order,
} from '../../support/systems/versions/orders.ts';

type Ledger = before.Ledger | after.Ledger;

/** A version that no longer has handlers, except for payments and for what it handles like everything else. */
class Everything extends ProcessApplication<EntryEvent, LaterOrderEvent> {
  static readonly applicationName = 'ledger';
  static readonly emits = ['Entry.Made'] as const;
  override readonly policy = this.when({ 'Order.Paid': () => {} }, entryBy('everything'));
}

const { recordPositions } = processApplicationInternals;

/** The entries of the ledger: the type that was handled, and the version that handled it. */
async function entriesIn(ledger: Ledger | Everything): Promise<string[]> {
  const entries: string[] = [];
  for await (const { event } of ledger.reader()) entries.push(`${event.data.type} ${event.data.version}`);
  return entries;
}

async function positionOf(ledger: Ledger | Everything) {
  const { recorder, pipelineId } = applicationInternals.storeOf(ledger);
  return await recorder.position(pipelineId, 'orders');
}

describe.each(storages)('the types that a ledger handles, on $name', ({ create }) => {
  let storage: StorageDescription;
  let orders: after.Orders;
  let older: before.Ledger;
  let newer: after.Ledger;

  /** The log as code that declares these types sees it. */
  const logOf = (emits: readonly string[]): NotificationLog => ({
    applicationName: 'orders',
    pipelineId: 0,
    emits,
    select: (position, limit) => orders.log.select(position, limit),
    section: (id) => orders.log.section(id),
    head: () => orders.log.head(),
  });

  beforeEach(async () => {
    storage = create();
    orders = await after.Orders.open({ storage });
    older = await before.Ledger.open({ storage });
    newer = await after.Ledger.open({ storage });
    onTestFinished(async () => {
      for (const one of [orders, older, newer]) await one.close();
    });
    older.follow(logOf(before.Orders.emits));
    newer.follow(orders.log);
  });

  /** Makes a ledger record its types, and process nothing. */
  const start = (ledger: Ledger | Everything) => ledger.run({ upTo: 0 });

  test('are recorded with its position before it processes anything, and only grow', async () => {
    expect(await positionOf(older)).toMatchObject({ position: 0, typesVersion: 0 });
    await start(older);
    expect(await positionOf(older)).toMatchObject({
      position: 0,
      handledTypes: ['Order.Made'],
      typesVersion: 1,
    });
    await start(newer);
    const all = ['Order.Cancelled', 'Order.Made', 'Order.Paid'];
    expect(await positionOf(older)).toMatchObject({ position: 0, handledTypes: all, typesVersion: 2 });
    await using again = await before.Ledger.open({ storage });
    again.follow(logOf(before.Orders.emits));
    await start(again);
    expect(await positionOf(older)).toMatchObject({ handledTypes: all, typesVersion: 2 });
  });

  test('are all declared types if its policy handles all other events', async () => {
    await using everything = await Everything.open({ storage });
    everything.follow(logOf(['Order.Paid', 'Order.Made']));
    await start(everything);
    expect(await positionOf(everything)).toMatchObject({ handledTypes: ['Order.Made', 'Order.Paid'] });
    const order = Order.make();
    await orders.save(order.pay().cancel());
    expect(await everything.run()).toBe(3);
    expect(await entriesIn(everything)).toEqual(['Order.Made everything', 'Order.Cancelled everything']);
  });

  test('are not recorded if the log declares no types', async () => {
    await using ledger = await before.Ledger.open({ storage });
    const { emits: _, ...log } = logOf([]);
    ledger.follow(log);
    await orders.save(Order.make().pay().cancel());
    expect(await ledger.run()).toBe(3);
    expect((await positionOf(ledger)).handledTypes).toBeUndefined();
    await start(newer);
    await orders.save(Order.make().pay());
    expect(await rejectionOf(ledger.run(), OtherVersionError)).toMatchObject({ notificationId: 5 });
  });

  test('are left to the version that handles them, while it runs and when it has ended', async () => {
    await start(newer);
    const order = Order.make();
    await orders.save(order.pay(), Order.make());
    for (let round = 0; round < 2; round += 1) {
      const error = await rejectionOf(older.run(), OtherVersionError);
      expect(error).toMatchObject({
        reason: 'TYPE_HANDLED_ELSEWHERE',
        applicationName: 'ledger',
        upstreamName: 'orders',
        pipelineId: 0,
        notificationId: 2,
        eventType: 'Order.Paid',
      });
      expect(error.message).toBe(
        "Application 'ledger' waits in pipeline 0 with notification 2 of 'orders' ('Order.Paid'): another version of the " +
          "application handles 'Order.Paid', this one does not. Run that version, or add a handler here: " +
          "'Order.Paid': () => {} if nothing is to be done. Processing resumes automatically when another version of the " +
          'application has processed the notification.',
      );
      expect(await positionOf(older)).toMatchObject({ position: 1 });
    }
    await newer.run({ upTo: 2 });
    expect(await older.run()).toBe(1);
    expect(await entriesIn(older)).toEqual(['Order.Made before', 'Order.Paid after', 'Order.Made before']);
  });

  test('are not passed by an older version that has ignored them when a newer one starts', async () => {
    await orders.save(Order.make());
    await older.run();
    await orders.save(Order.make('a').pay());
    await orders.save(Order.make('b').pay());
    await older.run({ upTo: 2 });
    await older.run({ upTo: 3 }); // has ignored the payment, and not recorded its position
    expect(processApplicationInternals.seen(older, 'orders')).toBe(3);
    await start(newer);
    await recordPositions(older);
    expect(await positionOf(older)).toMatchObject({ position: 2 });
    expect(await rejectionOf(older.run(), OtherVersionError)).toMatchObject({ notificationId: 3 });
    expect(await newer.run()).toBe(3);
    expect(await older.run()).toBe(0);
    expect(await entriesIn(newer)).toEqual([
      'Order.Made before',
      'Order.Made before',
      'Order.Paid after',
      'Order.Made after',
      'Order.Paid after',
    ]);
  });

  test('are not passed by a batch of an older version that was read before the newer one started', async () => {
    await start(older);
    await orders.save(Order.make().pay(), Order.make());
    let isStarted = false;
    older.follow({
      ...logOf(before.Orders.emits),
      select: async (position, limit) => {
        const notifications = await orders.log.select(position, limit);
        if (!isStarted) await start(newer);
        isStarted = true;
        return notifications;
      },
    });
    expect(await rejectionOf(older.run(), OtherVersionError)).toMatchObject({ notificationId: 2 });
    expect(await entriesIn(older)).toEqual(['Order.Made before']);
    await newer.run();
    expect(await entriesIn(older)).toEqual(['Order.Made before', 'Order.Paid after', 'Order.Made after']);
  });
});
