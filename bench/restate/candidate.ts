import type { StorageDescription } from 'kahn';
import type { shop } from '../../examples/shop/shop.ts';

type Apps = (typeof shop.applications)[number];

/** A running shop with one or several pipelines. */
export interface RunningShop {
  get<A extends Apps>(kind: A, pipelineId?: number): InstanceType<A>;
  caughtUp(): Promise<void>;
}

/** A runner whose applications run in other processes. */
export interface DistributedCandidate {
  readonly name: string;
  /** Does the work while the shop runs. */
  run<T>(
    storage: StorageDescription,
    pipelineIds: readonly number[],
    work: (runner: RunningShop) => Promise<T>,
  ): Promise<T>;
}
