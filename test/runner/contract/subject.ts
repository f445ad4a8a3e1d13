import type { RunnerOptions, StorageDescription, System, SystemRunner } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import type { Payments } from '../../../examples/shop/payments.ts';
import type { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { applicationInternals } from '../../../src/application/application.ts';

export type Apps = typeof Orders | typeof Reservations | typeof Payments;

/** Options of a start. `pipelineIds` is given to a subject that takes pipelines only. */
export interface SubjectOptions extends RunnerOptions {
  readonly pipelineIds?: readonly number[];
}

/** A runner under test, on some storage. */
export interface RunnerSubject {
  readonly name: string;
  start(system: System<Apps>, options: SubjectOptions): Promise<SystemRunner<Apps>>;
  /** Creates empty storage for the current test. */
  createStorage(): StorageDescription;
  /** Whether to run the tests that do not depend on the storage, too: once for each runner. */
  readonly isFirstStorage: boolean;
  /** Whether runners on other hosts may run other pipelines. */
  readonly sharesSystem?: boolean;
  /** Whether it runs several pipelines at once. */
  readonly takesPipelines?: boolean;
}

export const customers = Array.from({ length: 25 }, (_, i) => `customer ${i}`);

export async function placeAll(runner: SystemRunner<Apps>): Promise<string[]> {
  const ids = [];
  for (const customer of customers) ids.push(await runner.get(Orders).place(customer));
  await runner.caughtUp();
  return ids;
}

export async function headsAndPositions(runner: SystemRunner<Apps>, system: System<Apps> = shop) {
  const heads: number[] = [];
  for (const kind of system.applications) heads.push(await runner.get(kind).log.head());
  const positions: Record<string, number> = {};
  for (const { upstream, downstream } of system.graph.edges) {
    const follower = system.applications.find(({ applicationName }) => applicationName === downstream);
    const { recorder } = applicationInternals.storeOf(runner.get(follower!));
    positions[`${upstream}>${downstream}`] = (await recorder.position(0, upstream)).position;
  }
  return { heads, positions };
}

export const everything = (orders: number) => ({
  heads: [3 * orders, orders, orders],
  positions: {
    'orders>reservations': 3 * orders,
    'orders>payments': 3 * orders,
    'reservations>orders': orders,
    'payments>orders': orders,
  },
});

export async function historiesOf(runner: SystemRunner<Apps>) {
  return canonicalHistories(
    shop.applications.map((kind) => runner.get(kind)),
    { causes: true },
  );
}

export async function assertAllDone(runner: SystemRunner<Apps>, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await runner.get(Orders).get(id)).toMatchObject({ done: true, version: 3 });
}
