import type { ApplicationClass } from '../../application/application.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import type { RunnerOptions } from '../../runner/runner-options.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';

/** A kind of runner to be tested, on a storage that it can use. */
export interface RunnerSubject {
  readonly name: string;
  /** Driver by which applications on this runner record rows. @default none: projections are not tested */
  readonly rows?: 'sqlite' | 'postgres';
  /** Optional features that the storage lacks, which are not tested. @default none */
  readonly lacks?: readonly 'parked'[];
  /** Time within which each wait of a test must end, in ms. @default 60_000 */
  readonly waitLimitMs?: number;
  /** Starts a runner. It gets options of every runner, to which it may add its own. */
  start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: RunnerOptions,
  ): Promise<SystemRunner<Apps>>;
  /** Returns empty storage each time. Runners are closed before it is cleaned up. */
  create(): Promise<{ readonly storage: StorageDescription; cleanUp(): Promise<void> }>;
}
