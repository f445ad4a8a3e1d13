import { MultiprocessRunner, pipelineFor, SingleThreadedRunner, type StorageDescription } from 'kahn';
import { BusyOrders, busyShop } from '../threads/busy-shop.ts';

/** A runner that gets through orders of the busy shop. */
export interface RunningShop extends AsyncDisposable {
  /** In which pipelines it takes orders. */
  readonly pipelineIds: readonly number[];
  ordersFor(customer: string): BusyOrders;
  /** The applications of a pipeline. */
  applicationsIn(pipelineId: number): readonly InstanceType<(typeof busyShop.applications)[number]>[];
  caughtUp(): Promise<void>;
}

/** A way to run the busy shop. */
export interface Contestant {
  readonly name: string;
  start(storage: StorageDescription): Promise<RunningShop>;
}

/** The first is what the others are compared with. */
export const contestants: readonly Contestant[] = [
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

async function startSingle(storage: StorageDescription): Promise<RunningShop> {
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
): Promise<RunningShop> {
  const runner = await MultiprocessRunner.start(busyShop.bind(storage), { pipelineIds });
  return {
    pipelineIds,
    ordersFor: (customer) => runner.get(BusyOrders, pipelineFor(customer, pipelineIds)),
    applicationsIn: (pipelineId) => busyShop.applications.map((kind) => runner.get(kind, pipelineId)),
    caughtUp: () => runner.caughtUp(),
    [Symbol.asyncDispose]: () => runner.close(),
  };
}
