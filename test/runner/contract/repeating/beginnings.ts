import {
  listOperations,
  type Operation,
  type StorageDescription,
  type System,
  type SystemRunner,
} from 'kahn';
import { expect, test } from 'vitest';
import { assertSound } from '../../../support/logs.ts';
import {
  type Apps,
  fromEnd,
  fromEndOfOrders,
  type InvoiceEvent,
  Orders,
  system,
} from '../../../support/systems/invoicing.ts';
import type { RunnerSubject } from '../subject.ts';

/** Starts a runner of a system of orders and invoices. */
export function startInvoicing(
  { start }: RunnerSubject,
  storage: StorageDescription,
  ofSystem: System<Apps> = system,
): Promise<SystemRunner<Apps>> {
  return (start as unknown as (...args: unknown[]) => Promise<SystemRunner<Apps>>)(ofSystem, { storage });
}

/** Places orders while nothing follows them, and returns their ids. */
export async function placeBefore(
  storage: StorageDescription,
  ...customers: readonly string[]
): Promise<string[]> {
  const orders = await system.open(Orders, { storage });
  try {
    return await orders.place(...customers);
  } finally {
    await orders.close();
  }
}

/** Reads the recorded invoices, as types and data, in the order of their log. */
export async function invoicesIn(
  runner: SystemRunner<Apps>,
): Promise<(Pick<InvoiceEvent, 'type' | 'data'> & { cause: number })[]> {
  const invoices = runner.get(runner.system.applications[1] as Apps);
  const all = [];
  for await (const { event } of invoices.reader()) {
    const { type, data, cause } = event as InvoiceEvent & { cause: { notificationId: number } };
    all.push({ type, data, cause: cause.notificationId });
  }
  return all;
}

/** Reads the operations of the first pipeline. */
export async function operationsIn(
  storage: StorageDescription,
  ofSystem: System<Apps> = system,
): Promise<Operation[]> {
  const all: Operation[] = [];
  for await (const operation of listOperations(storage, ofSystem))
    if ((operation.details.pipelineId ?? 0) === 0) all.push(operation);
  return all;
}

/** Where an application begins in the log of an upstream that it has never followed. */
export function beginnings(subject: RunnerSubject): void {
  test.each([
    { name: 'all upstreams', ofSystem: fromEnd },
    { name: 'an upstream by its name', ofSystem: fromEndOfOrders },
  ])(
    'a class that begins at the end of $name processes only what is recorded later',
    async ({ ofSystem }) => {
      const storage = subject.createStorage();
      await placeBefore(storage, 'ada', 'bob');
      await using runner = await startInvoicing(subject, storage, ofSystem);
      const [, invoices] = await runner.status();
      expect(invoices?.upstreams).toEqual([
        { upstreamName: 'orders', position: 4, lag: 0, parked: 0, fitsLog: true },
      ]);
      await runner.get(Orders).place('eve');
      await runner.caughtUp();
      expect((await invoicesIn(runner)).map(({ cause }) => cause)).toEqual([5, 6]);
      expect(await operationsIn(storage, ofSystem)).toMatchObject([
        {
          applicationName: 'invoices',
          kind: 'begin',
          by: 'class Invoices',
          details: { pipelineId: 0, upstreamName: 'orders', to: 4, begins: 'end' },
        },
      ]);
    },
  );

  test('a beginning is decided at the first start: later changes of the class have no effect', async () => {
    for (const [first, second] of [
      [fromEnd, system],
      [system, fromEnd],
    ] as const) {
      const storage = subject.createStorage();
      if (first === fromEnd) await placeBefore(storage, 'ada');
      await (await startInvoicing(subject, storage, first)).close();
      await placeBefore(storage, 'eve');
      await using runner = await startInvoicing(subject, storage, second);
      await runner.caughtUp();
      const causes = (await invoicesIn(runner)).map(({ cause }) => cause);
      expect(causes).toEqual(first === fromEnd ? [3, 4] : [1, 2]);
      await runner.close();
      await assertSound(storage, system);
    }
  });

  test('a class that begins at the end of an empty log misses nothing', async () => {
    const storage = subject.createStorage();
    await (await startInvoicing(subject, storage, fromEnd)).close();
    await placeBefore(storage, 'ada');
    await using runner = await startInvoicing(subject, storage, fromEnd);
    await runner.caughtUp();
    expect((await invoicesIn(runner)).map(({ cause }) => cause)).toEqual([1, 2]);
    expect(await operationsIn(storage, fromEnd)).toMatchObject([{ kind: 'begin', details: { to: 0 } }]);
  });
}
