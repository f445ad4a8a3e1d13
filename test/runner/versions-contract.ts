import { DownstreamError, type StorageDescription, type SystemRunner } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { applicationInternals } from '../../src/application/application.ts';
import * as after from '../support/systems/versions/after.ts';
import * as before from '../support/systems/versions/before.ts';
import { Order } from '../support/systems/versions/orders.ts';
import { until } from '../support/until.ts';
import type { RunnerSubject } from './contract/subject.ts';

export type VersionsSubject = Pick<RunnerSubject, 'name' | 'start' | 'createStorage'>;

type Before = typeof before.Orders | typeof before.Ledger;

/** Starts the version before. */
function startBefore({ start }: VersionsSubject, storage: StorageDescription): Promise<SystemRunner<Before>> {
  return (start as unknown as (...args: unknown[]) => Promise<SystemRunner<Before>>)(before.system, {
    storage,
  });
}

/** Opens the version after, without a runner. Its ledger processes when `run()` is called. */
async function openAfter(
  storage: StorageDescription,
): Promise<{ orders: after.Orders; ledger: after.Ledger }> {
  const orders = await after.system.open(after.Orders, { storage });
  const ledger = await after.system.open(after.Ledger, { storage });
  for (const application of [orders, ledger]) onTestFinished(() => application.close());
  ledger.follow(orders.log);
  return { orders, ledger };
}

/** The entries of the ledger: the type that was handled, and the version that handled it. */
async function entriesIn(runner: SystemRunner<Before>): Promise<string[]> {
  const entries: string[] = [];
  for await (const { event } of runner.get(before.Ledger).reader()) {
    entries.push(`${event.data.type} ${event.data.version}`);
  }
  return entries;
}

/** Waits until the ledger of a runner waits for another version; returns its status. */
async function waitingLedger(runner: SystemRunner<Before>) {
  const statusOfLedger = async () => (await runner.status())[1];
  await until('the ledger waits for another version', async () => {
    const { state, lastError } = (await statusOfLedger()) ?? {};
    return state === 'interrupted' && (lastError as { code?: unknown } | undefined)?.code === 'OTHER_VERSION';
  });
  return await statusOfLedger();
}

/** Whether a wait ends, and how. */
function outcomeOf(wait: Promise<unknown>): () => unknown {
  let outcome: unknown = 'waits';
  wait.then(
    () => {
      outcome = 'resolved';
    },
    (error) => {
      outcome = error;
    },
  );
  return () => outcome;
}

/** Asserts that a wait has not resolved: it waits, or was rejected because the ledger waits. */
function assertNotResolved(outcome: unknown): void {
  if (outcome === 'waits') return;
  expect(outcome).toBeInstanceOf(DownstreamError);
  expect((outcome as DownstreamError).failures.get('ledger')).toMatchObject({ code: 'OTHER_VERSION' });
}

/** Events that the version before leaves to the version after. */
const leftEvents = [
  {
    reason: 'UNKNOWN_TYPE',
    what: 'an event of an unknown type',
    type: 'Order.Cancelled',
    add: (order: Order) => order.cancel(),
  },
  {
    reason: 'TYPE_HANDLED_ELSEWHERE',
    what: 'an event that only the newer version handles',
    type: 'Order.Paid',
    add: (order: Order) => order.pay(),
  },
];

/** Defines the test that a runner records its types when it starts. */
export function startContract(subject: VersionsSubject): void {
  test(`${subject.name}: has recorded the types that it handles when start() resolves`, async () => {
    const storage = subject.createStorage();
    await using _runner = await startBefore(subject, storage);
    expect(await handledTypesIn(storage)).toEqual(['Order.Made']);
  });
}

/** Resolves with the types that the ledger handles, as recorded with its position. */
async function handledTypesIn(storage: StorageDescription): Promise<readonly string[] | undefined> {
  await using ledger = await after.system.open(after.Ledger, { storage });
  return (await applicationInternals.storeOf(ledger).recorder.position(0, 'orders')).handledTypes;
}

/** Defines the tests of two versions of a system that run at the same time. */
export function versionsContract(subject: VersionsSubject): void {
  const { name, createStorage } = subject;

  test.each(leftEvents)(`${name}: leaves $what to the newer version`, async ({ reason, type, add }) => {
    const storage = createStorage();
    await using runner = await startBefore(subject, storage);
    const order = Order.make();
    await runner.settled(await runner.get(before.Orders).save(order));
    const other = await openAfter(storage);
    if (reason === 'TYPE_HANDLED_ELSEWHERE') await other.ledger.run({ upTo: 0 }); // records the types that it handles
    const saved = await other.orders.save(add(order), Order.make());
    expect(await waitingLedger(runner)).toMatchObject({
      upstreams: [{ position: 1, lag: 2 }],
      lastError: {
        reason,
        applicationName: 'ledger',
        upstreamName: 'orders',
        pipelineId: 0,
        notificationId: 2,
        eventType: type,
      },
    });
    const waits = [
      outcomeOf(runner.caughtUp()),
      outcomeOf(runner.settled(saved)),
      outcomeOf(runner.processed(saved, { by: before.Ledger })),
    ];
    await waitingLedger(runner);
    for (const outcome of waits) assertNotResolved(outcome());
    expect(await entriesIn(runner)).toEqual(['Order.Made before']);

    await other.ledger.run({ upTo: 2 });
    await until('the ledger is idle', async () => (await runner.status())[1]?.state === 'idle');
    await runner.caughtUp();
    for (const outcome of waits)
      await until(
        'the wait has ended',
        () => outcome() === 'resolved' || outcome() instanceof DownstreamError,
      );
    expect(await entriesIn(runner)).toEqual(['Order.Made before', `${type} after`, 'Order.Made before']);
  });
}
