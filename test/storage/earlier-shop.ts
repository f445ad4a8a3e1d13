// Storage that earlier releases wrote, with tables of every version: `sqlite/fixtures` and `postgres/fixtures`.
//
// Version 1 was written by the release of commit a1661eb, version 2 by the release of commit 3aab0c2, version 3 by the
// release of commit c4bf4af, version 4 by the release of commit 7374dab, version 5 by the release of commit 3f8a467f, each
// with the shop of examples/shop: the orders of ada, bob and cy are done; a snapshot of ada's order was taken; it was paid
// again in pipeline 1, with causal dependencies if the release had them; then dan and eve placed orders without a runner,
// dan with a correlation id, metadata and the idempotency key `dan 1` if the release had them.
import type { StorageDescription } from 'kahn';
import { expect } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { shop } from '../../examples/shop/shop.ts';
import { SingleThreadedRunner } from '../../src/runner/single-threaded/single-threaded-runner.ts';
import type { RecordedPosition, Recorder } from '../../src/storage/recorder.ts';
import { openStorage } from '../../src/storage/storage.ts';
import type { StoredNotification } from '../../src/storage/stored-event.ts';

export const earlierVersions = [1, 2, 3, 4, 5] as const;
export type EarlierVersion = (typeof earlierVersions)[number];

/** Does the work with recorders of the applications of the shop. */
async function withRecorders<T>(
  storage: StorageDescription,
  work: (orders: Recorder, reservations: Recorder, payments: Recorder) => Promise<T>,
): Promise<T> {
  const opened = await openStorage(storage);
  const open = (applicationName: string) => opened.openRecorder({ applicationName, setupTables: true });
  const [orders, reservations, payments] = [
    await open('orders'),
    await open('reservations'),
    await open('payments'),
  ];
  try {
    return await work(orders, reservations, payments);
  } finally {
    for (const recorder of [orders, reservations, payments]) await recorder.close();
    await opened.close();
  }
}

function briefly({ id, type, originatorVersion }: StoredNotification): string {
  return `${id} ${type} ${originatorVersion}`;
}

/** Returns what a release has recorded for an upstream. */
function position(
  version: EarlierVersion,
  upstreamName: string,
  position: number,
  handledType: string,
): RecordedPosition {
  const known = { pipelineId: 0, upstreamName, position, typesVersion: 0 };
  if (version < 4) return known;
  const mark = expect.stringMatching(new RegExp(`^${position}:`)) as string;
  return { ...known, mark, handledTypes: [handledType], typesVersion: 1 };
}

const done = ['Order.Created 1', 'Order.Reserved 2', 'Order.Paid 3'];

/** Opens the applications, which upgrades their tables, and checks everything that the earlier release recorded. */
export async function expectEarlierShop(storage: StorageDescription, version: EarlierVersion): Promise<void> {
  await withRecorders(storage, async (orders, reservations, payments) => {
    const log = await orders.notifications(0, 0, 100);
    const expected = [...done, ...done, ...done, 'Order.Created 1', 'Order.Created 1'];
    expect(log.map(briefly)).toEqual(expected.map((text, index) => `${index + 1} ${text}`));
    const customers = log.filter(({ type }) => type === 'Order.Created').map(({ data }) => JSON.parse(data));
    expect(customers.map(({ customer }) => customer)).toEqual(['ada', 'bob', 'cy', 'dan', 'eve']);
    const [paid, ...rest] = await orders.notifications(1, 0, 100);
    expect([paid?.originatorId, paid?.type, paid?.originatorVersion, rest]).toEqual([
      log[0]?.originatorId,
      'Order.Paid',
      4,
      [],
    ]);
    const dependencies = version === 1 ? undefined : [{ pipelineId: 0, notificationId: 3 }];
    expect(paid?.dependencies).toEqual(dependencies);
    const ofPolicies = [
      ...(await reservations.notifications(0, 0, 9)),
      ...(await payments.notifications(0, 0, 9)),
    ];
    expect(ofPolicies.map(briefly)).toEqual([
      ...[1, 2, 3].map((id) => `${id} Reservation.Created 1`),
      ...[1, 2, 3].map((id) => `${id} Payment.Created 1`),
    ]);
    const causes = await orders.causes(0, 0, 100);
    if (version < 3) {
      for (const { cause, correlationId, metadata } of [...log, ...ofPolicies]) {
        expect([cause, correlationId, metadata]).toEqual([undefined, undefined, undefined]);
      }
      expect(causes).toEqual(Array(11).fill(undefined));
    } else {
      expect(log[9]).toMatchObject({ correlationId: 'order of dan', metadata: '{"user":"dan"}' });
      const names = causes.map((cause) => cause && `${cause.applicationName} ${cause.notificationId}`);
      const ofOrder = (id: number) => [undefined, `reservations ${id}`, `payments ${id}`];
      expect(names).toEqual([...[1, 2, 3].flatMap(ofOrder), undefined, undefined]);
      for (const { correlationId } of [...log, ...ofPolicies]) expect(correlationId).toBeDefined();
    }
    const [history] = await orders.histories([
      { originatorId: log[0]!.originatorId, after: 0, useSnapshot: true },
    ]);
    expect([history?.snapshot?.originatorVersion, history?.events.length]).toEqual([3, 1]);
    expect(await orders.logs()).toEqual([
      { pipelineId: 0, notificationId: 11 },
      { pipelineId: 1, notificationId: 1 },
    ]);
    expect(await orders.positions()).toEqual([
      position(version, 'payments', 3, 'Payment.Created'),
      position(version, 'reservations', 3, 'Reservation.Created'),
    ]);
    expect(await reservations.positions()).toEqual([position(version, 'orders', 9, 'Order.Created')]);
    expect(await payments.positions()).toEqual([position(version, 'orders', 9, 'Order.Reserved')]);
    for (const recorder of [orders, reservations, payments]) {
      expect(await recorder.operations(0, 10)).toEqual([]);
      expect(await recorder.command!('any')).toBeUndefined();
      expect(await recorder.countParked!()).toEqual([]);
    }
    const ofDan = version < 5 ? undefined : expect.objectContaining({ key: 'dan 1' });
    expect(await orders.command!('dan 1')).toEqual(ofDan);
  });
}

/** Runs the shop until everything is processed, with one more order. */
export async function runOn(storage: StorageDescription): Promise<void> {
  await using runner = await SingleThreadedRunner.start(shop, { storage });
  await runner.get(Orders).place('fay');
  await runner.caughtUp();
}

/** Checks that each order is done once, and that what was processed after the upgrade has causes. */
export async function expectAllDone(storage: StorageDescription, version: EarlierVersion): Promise<void> {
  await withRecorders(storage, async (orders, ...followers) => {
    const log = await orders.notifications(0, 0, 1_000);
    const created = log.filter(({ type }) => type === 'Order.Created');
    for (const { originatorId } of created) {
      const own = log.filter((one) => one.originatorId === originatorId);
      expect(own.map(({ type, originatorVersion }) => `${type} ${originatorVersion}`)).toEqual(done);
    }
    for (const follower of followers) {
      const made = await follower.notifications(0, 0, 1_000);
      expect(made).toHaveLength(created.length);
      for (const [index, { data, cause, correlationId }] of made.entries()) {
        expect(JSON.parse(data).orderId).toBe(created[index]?.originatorId);
        expect(cause?.applicationName).toBe(index < 3 && version < 3 ? undefined : 'orders');
        const source = log.find(({ id }) => id === cause?.notificationId);
        if (index >= 3 || version >= 3) expect(source?.originatorId).toBe(created[index]?.originatorId);
        expect(correlationId).toBe(source?.correlationId);
      }
    }
    expect(created.at(-1)?.correlationId).toBeDefined();
  });
}
