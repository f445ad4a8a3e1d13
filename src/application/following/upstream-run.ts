import type { StorageError } from '../../storage/errors.ts';
import { isAway } from '../../storage/remote/errors.ts';
import { isTransientFailure } from '../failures.ts';
import { type BlockingError, dependencyWithin, isBlocking } from '../following-errors.ts';
import type { Follower } from './follower.ts';
import type { ObeyedOperations } from './obeyed-operations.ts';

/** Options of {@link ProcessApplication.run}. */
export interface RunOptions {
  /** Upstream whose log is read. @default all upstreams */
  readonly upstreamName?: string;
  /** Largest number of batches processed for each log. @default no limit */
  readonly batches?: number;
  /** Id of the last notification that is processed. Its causes in other logs are processed first. @default no limit */
  readonly upTo?: number;
  /** Ends the run before the next batch; the reason of the signal is thrown. @default none */
  readonly signal?: AbortSignal;
}

/** Number of notifications processed of each upstream, by name. */
export type ProcessedCounts = ReadonlyMap<string, number>;

/** One run of the followers of an application, which process what is new in the logs of their upstreams. */
export class UpstreamRun {
  readonly #followers: ReadonlyMap<string, Follower>;
  readonly #operations: ObeyedOperations;
  readonly #options: RunOptions;
  readonly #counts = new Map<string, number>();

  constructor(followers: ReadonlyMap<string, Follower>, operations: ObeyedOperations, options: RunOptions) {
    this.#followers = followers;
    this.#operations = operations;
    this.#options = options;
  }

  /** Processes batches of all upstreams. */
  async all(): Promise<ProcessedCounts> {
    let waiting: BlockingError | StorageError | undefined;
    for (const follower of this.#followers.values()) {
      try {
        await this.of(follower);
      } catch (error) {
        if (!isBlocking(error) && !isAway(error, follower.upstreamName)) throw error;
        waiting ??= error; // go through the other upstreams: the other pipeline may wait for them
      }
    }
    if (waiting !== undefined) throw waiting;
    return this.#counts;
  }

  /**
   * Processes batches of an upstream and, while its next notification waits for another upstream, of that upstream. Returns
   * no promise if nothing is read or recorded.
   */
  of(follower: Follower): ProcessedCounts | Promise<ProcessedCounts> {
    const { upTo, signal } = this.#options;
    signal?.throwIfAborted();
    const pulled = follower.pull(upTo, signal);
    if (typeof pulled !== 'number' || !follower.isAtEnd) return this.#goOn(follower, pulled);
    this.#add(follower, pulled);
    return this.#counts;
  }

  /** Waits for a batch, and processes the next ones. If that fails, records positions after ignored notifications. */
  async #goOn(follower: Follower, first: ReturnType<Follower['pull']>): Promise<ProcessedCounts> {
    const { batches = Infinity, upTo, signal } = this.#options;
    let pulled = first;
    try {
      for (let batch = 1; ; batch += 1) {
        const count = pulled instanceof Promise ? await pulled : pulled;
        if (typeof count === 'number') this.#add(follower, count);
        else await this.#pullCause(follower, count);
        if (follower.isAtEnd || batch === batches) return this.#counts;
        const resting = this.#operations.rest();
        if (resting !== undefined) await resting;
        signal?.throwIfAborted();
        this.#operations.assertNotPaused();
        pulled = follower.pull(upTo, signal);
      }
    } catch (error) {
      // The application stops. If its storage fails now, the next start reads these notifications again.
      if (!isTransientFailure(error) && !signal?.aborted) await this.#flush().catch(() => {});
      throw error;
    }
  }

  /**
   * Processes a batch of the upstream for which a follower waits or, while that waits too, of the next one. What a
   * notification follows from was recorded before it, so no two upstreams wait for each other.
   */
  async #pullCause(follower: Follower, blocked: BlockingError): Promise<void> {
    const { upTo, signal } = this.#options;
    const passed = new Set([follower]);
    for (let waiting = blocked; ; ) {
      const dependency = dependencyWithin(waiting);
      const next = dependency && this.#followers.get(dependency.applicationName);
      if (next === undefined || passed.has(next)) throw waiting;
      passed.add(next);
      const count = await next.pull(upTo === undefined ? undefined : dependency?.notificationId, signal);
      if (count === 0) throw waiting; // the log ends before the cause
      if (typeof count === 'number') return this.#add(next, count);
      waiting = count;
    }
  }

  /** Counts notifications that were processed. */
  #add({ upstreamName }: Follower, count: number): void {
    this.#counts.set(upstreamName, (this.#counts.get(upstreamName) ?? 0) + count);
  }

  async #flush(): Promise<void> {
    for (const follower of this.#followers.values()) await follower.flush();
  }
}
