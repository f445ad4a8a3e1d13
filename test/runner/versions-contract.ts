import { DownstreamError, type StorageDescription, type SystemRunner } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import * as after from '../support/systems/versions/after.ts';
import * as before from '../support/systems/versions/before.ts';
import { Order } from '../support/systems/versions/orders.ts';
import { until } from '../support/until.ts';
import type { RunnerSubject } from './runner-contract.ts';

type Before = typeof before.Orders | typeof before.Ledger;

/** Starts the version before. */
function startBefore({ start }: RunnerSubject, storage: StorageDescription): Promise<SystemRunner<Before>> {
  return (start as unknown as (...args: unknown[]) => Promise<SystemRunner<Before>>)(before.system, {
    storage,
  });
}

/** Opens the version after, without a runner. Its ledger processes when `run()` is called. */
async function openAfter(storage: StorageDescription) {
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

/** Defines the tests of two versions of a system that run at the same time. */
export function versionsContract(subject: RunnerSubject): void {
  const { name, createStorage } = subject;

  test(`${name}: leaves an event of an unknown type to a version that knows it`, async () => {
    const storage = createStorage();
    const other = await openAfter(storage);
    await using runner = await startBefore(subject, storage);
    const order = Order.make();
    const saved = await other.orders.save(order.pay().cancel(), Order.make());
    const status = await waitingLedger(runner);
    expect(status).toMatchObject({
      upstreams: [{ position: 2, lag: 2 }],
      lastError: {
        reason: 'UNKNOWN_TYPE',
        applicationName: 'ledger',
        upstreamName: 'orders',
        pipelineId: 0,
        notificationId: 3,
        eventType: 'Order.Cancelled',
      },
    });
    expect(await entriesIn(runner)).toEqual(['Order.Made before']);

    const waits = [
      outcomeOf(runner.caughtUp()),
      outcomeOf(runner.settled(saved)),
      outcomeOf(runner.processed(saved, { by: before.Ledger })),
    ];
    await waitingLedger(runner);
    for (const outcome of waits) assertNotResolved(outcome());

    await other.ledger.run();
    await until('the ledger is idle', async () => (await runner.status())[1]?.state === 'idle');
    await runner.caughtUp();
    for (const outcome of waits)
      if (outcome() === 'waits') await until('it resolves', () => outcome() === 'resolved');
    expect(await entriesIn(runner)).toEqual([
      'Order.Made before',
      'Order.Cancelled after',
      'Order.Made after',
    ]);
    await runner.settled(await runner.get(before.Orders).save(Order.make()));
    expect((await entriesIn(runner)).slice(3)).toEqual(['Order.Made before']);
  });
}
