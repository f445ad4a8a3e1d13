import type { StorageDescription } from 'kahn';
import type { shop } from '../../examples/shop/shop.ts';

type Apps = (typeof shop.applications)[number];

/** A running shop, in several pipelines perhaps. */
export interface RunningShop {
  get<A extends Apps>(kind: A, pipelineId?: number): InstanceType<A>;
  caughtUp(): Promise<void>;
}

/** A runner whose applications are in other processes. */
export interface Contestant {
  readonly name: string;
  /** Does the work while the runner runs the shop. */
  run<T>(
    storage: StorageDescription,
    pipelineIds: readonly number[],
    work: (runner: RunningShop) => Promise<T>,
  ): Promise<T>;
}
