import type { ApplicationClass } from '../application/application.ts';
import type { Persistence } from '../persistence/persistence.ts';

/** How every runner is started. */
export interface RunnerOptions {
  /** Where the applications record; `memory()` by default, unless the system is bound. */
  readonly persistence?: Persistence;
  /** Whether storage that is not set up yet is set up; true by default. */
  readonly setupTables?: boolean;
  /** How many notifications a follower processes in one transaction at most; 500 by default. */
  readonly batchSize?: number;
  /** How many events the cache of an application holds at most; 10,000 by default. */
  readonly cacheSize?: number;
  /**
   * How often the logs are looked at for what no prompt has told of, in milliseconds; 5,000 by default on storage
   * that tells of what other processes record, such as `postgres()`, and else never.
   */
  readonly pollIntervalMs?: number;
  /** Gives up starting: what was opened is closed again. */
  readonly signal?: AbortSignal;
}

/** A running system. Close it, or declare it with `await using`. */
export interface SystemRunner<Apps extends ApplicationClass = ApplicationClass> extends AsyncDisposable {
  /** The application of this class, to call its commands and read its aggregates. */
  get<A extends Apps>(kind: A): InstanceType<A>;
  /** Resolves when nothing is left to process anywhere; rejects when an application has failed. */
  caughtUp(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Lets the work under way end and releases everything. Calling it again does nothing. */
  close(): Promise<void>;
}
