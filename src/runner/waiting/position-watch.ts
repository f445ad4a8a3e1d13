import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { isTransientFailure } from '../../application/failures.ts';
import { ceilingOf } from '../../application/log/mark.ts';
import type { RecordedPosition } from '../../storage/recorder.ts';
import { EarlierPositions } from './earlier-positions.ts';
import type { FollowerState, ProgressSignal } from './watched-followers.ts';

/** Shortest and longest time between two reads of a position, in ms; progress and new waiters end it early. */
const shortestPauseMs = 2;
const longestPauseMs = 250;

/** A follower of one upstream, as its watch needs it. */
export interface WatchedFollower {
  readonly progress: ProgressSignal;
  state(): FollowerState;
  /** Reads the state again. */
  refresh(): Promise<void>;
  /** Reads the head of the follower's own log. */
  head(): Promise<number>;
  /** Reads the position in the log of the upstream up to which everything is done. */
  position(): Promise<RecordedPosition>;
  /** Whether the log of the upstream still holds the notification at a position. */
  fits(position: RecordedPosition): Promise<boolean>;
  /** Makes the follower process the log of the upstream and record its position there. */
  requestPosition(): void;
}

/** A follower has failed before it processed what was waited for. */
export class FollowerFailure {
  readonly lastError: unknown;

  constructor(lastError: unknown) {
    this.lastError = lastError;
  }
}

interface Waiter {
  readonly target: number;
  resolve(): void;
  reject(reason: unknown): void;
}

/** Waits for positions of one follower in the log of one upstream. All waiters share the reads of the storage. */
export class PositionWatch {
  readonly #follower: WatchedFollower;
  readonly #waiters = new Set<Waiter>();
  readonly #earlier = new EarlierPositions();
  /** Whether a position fitted the log. The follower itself compares the positions that it records later. */
  #fits = false;
  #isWatching = false;
  /** Time at which the newest waiter was added, in ms. */
  #newestAt = 0;
  /** Ends the pause between two reads. */
  #pause: AbortController | undefined;

  constructor(follower: WatchedFollower) {
    this.#follower = follower;
  }

  /**
   * Resolves when the follower has processed the notification with this id and all before it. While its position does not
   * fit the log, as after the log was restored from an older copy, it has processed nothing.
   *
   * @throws {@link FollowerFailure} if the follower has failed at an earlier notification.
   * @throws the reason of the signal once that is aborted.
   */
  async reached(target: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#fits && target <= this.#earlier.newest) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { target, resolve, reject };
    const abort = () => {
      this.#waiters.delete(waiter);
      if (this.#waiters.size === 0) this.#pause?.abort();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#waiters.add(waiter);
    this.#newestAt = performance.now();
    this.#pause?.abort();
    if (!this.#isWatching) void this.#watch();
    await promise.finally(() => signal.removeEventListener('abort', abort));
  }

  /** Returns an id in the follower's log at or before which there are no effects of the notifications from `first` on. */
  headBefore(first: number): number {
    return this.#earlier.headBefore(first);
  }

  /** Makes the next wait compare the position with the log again. */
  compareAgain(): void {
    this.#fits = false;
  }

  async #watch(): Promise<void> {
    this.#isWatching = true;
    try {
      while (this.#waiters.size > 0) await this.#look();
    } catch (error) {
      this.#end(this.#waiters, ({ reject }) => reject(error));
    } finally {
      this.#isWatching = false;
    }
  }

  async #look(): Promise<void> {
    const { progress } = this.#follower;
    const seen = progress.progress;
    const waiters = [...this.#waiters]; // a failure may be over for those that are added later
    const failure = await this.#failure(); // first: a follower that has failed does not move its position
    const position = await this.#read();
    const reached = [...this.#waiters].filter(({ target }) => target <= position);
    this.#end(reached, ({ resolve }) => resolve());
    if (failure !== undefined) this.#end(waiters, ({ reject }) => reject(failure));
    if (this.#waiters.size === 0) return;
    this.#follower.requestPosition();
    await this.#rest(seen);
  }

  async #failure(): Promise<FollowerFailure | undefined> {
    if (this.#follower.state().state !== 'failed') return undefined;
    await this.#follower.refresh();
    const { state, lastError } = this.#follower.state();
    return state === 'failed' ? new FollowerFailure(lastError) : undefined;
  }

  /**
   * Resolves with the position, or with the last one known while the storage is unavailable, and with -1 if the
   * position does not fit the log.
   */
  async #read(): Promise<number> {
    try {
      const head = await this.#follower.head();
      const done = await this.#follower.position();
      this.#fits ||= await this.#follower.fits(done);
      if (this.#fits && ceilingOf(done) > 0) this.#earlier.clear();
      else if (this.#fits) this.#earlier.add(head, done.position);
      if (this.#fits) return done.position;
    } catch (error) {
      if (!isTransientFailure(error)) throw error;
    }
    return this.#fits ? this.#earlier.newest : -1;
  }

  /** Waits for progress, for half as long as the newest waiter has waited. */
  async #rest(seen: number): Promise<void> {
    await delay(1); // many reports of progress are one read
    const pause = new AbortController();
    const waitedMs = performance.now() - this.#newestAt;
    const ms = Math.min(Math.max(waitedMs / 2, shortestPauseMs), longestPauseMs);
    this.#pause = pause;
    await this.#follower.progress.progressSince(seen, ms, pause.signal).finally(() => {
      this.#pause = undefined;
    });
  }

  #end(waiters: Iterable<Waiter>, how: (waiter: Waiter) => void): void {
    for (const waiter of waiters) {
      this.#waiters.delete(waiter);
      how(waiter);
    }
  }
}
