import { MultiprocessRunner, pipelineFor, SingleThreadedRunner, type StorageDescription } from 'kahn';
import { BusyOrders, busyShop } from '../threads/busy-shop.ts';

/** A runner of the busy shop. */
export interface RunningBusyShop extends AsyncDisposable {
  /** Pipelines that accept orders. */
  readonly pipelineIds: readonly number[];
  ordersFor(customer: string): BusyOrders;
  applicationsIn(pipelineId: number): readonly InstanceType<(typeof busyShop.applications)[number]>[];
  caughtUp(): Promise<void>;
}

/** A way to run the busy shop. */
export interface BusyShopCandidate {
  readonly name: string;
  start(storage: StorageDescription): Promise<RunningBusyShop>;
}

/** The first candidate is the reference for the others. */
export const candidates: readonly BusyShopCandidate[] = [
  { name: 'single-threaded', start: startSingle },
  ...[1, 2, 4].map((count) => ({
    name: `processes, ${count} pipeline${count === 1 ? '' : 's'}`,
    start: (storage: StorageDescription) =>
      startProcesses(
        storage,
        Array.from({ length: count }, (_, i) => i),
      ),
  })),
];

async function startSingle(storage: StorageDescription): Promise<RunningBusyShop> {
  const runner = await SingleThreadedRunner.start(busyShop.bind(storage));
  return {
    pipelineIds: [0],
    ordersFor: () => runner.get(BusyOrders),
    applicationsIn: () => busyShop.applications.map((kind) => runner.get(kind)),
    caughtUp: () => runner.caughtUp(),
    [Symbol.asyncDispose]: () => runner.close(),
  };
}

async function startProcesses(
  storage: StorageDescription,
  pipelineIds: readonly number[],
): Promise<RunningBusyShop> {
  const runner = await MultiprocessRunner.start(busyShop.bind(storage), { pipelineIds });
  return {
    pipelineIds,
    ordersFor: (customer) => runner.get(BusyOrders, pipelineFor(customer, pipelineIds)),
    applicationsIn: (pipelineId) => busyShop.applications.map((kind) => runner.get(kind, pipelineId)),
    caughtUp: () => runner.caughtUp(),
    [Symbol.asyncDispose]: () => runner.close(),
  };
}
