import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../util/errors.ts';
import { backOff } from '../../util/retry.ts';
import { isTransientFailure } from '../failures.ts';
import type { Follower } from '../following/follower.ts';
import { isBlocking } from '../following-errors.ts';
import type { EventStore } from '../recording/event-store.ts';
import { endReplay } from './end-replay.ts';
import { type OpenReplay, Repetitions, refreshMs } from './repetitions.ts';

export interface ReplayLoopOptions {
  readonly store: EventStore;
  /** Makes a follower that processes a replay; undefined if its upstream is not followed here. */
  followerOf(replay: OpenReplay): Follower | undefined;
  /** Runs work while the application processes nothing else. */
  runTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Called when positions of the application may have been moved, so that its followers have to run. */
  moved(): void;
}

const backoff = { firstMs: 10, maxMs: 5_000 };

/**
 * Processes the replays of an application until the signal is aborted: a batch of each in turn with the followers, so that
 * neither new notifications nor replays wait for the end of the other. Looks for new ones about once a second.
 */
export class ReplayLoop {
  readonly #options: ReplayLoopOptions;
  readonly #repetitions: Repetitions;
  readonly #signal: AbortSignal;
  readonly #followers = new Map<string, Follower>();
  #wake: AbortController | undefined;
  #knownResetId = 0;
  #failures = 0;

  constructor(options: ReplayLoopOptions, signal: AbortSignal) {
    this.#options = options;
    this.#repetitions = Repetitions.of(options.store.recorder);
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const unwatch = this.#repetitions.watch(() => this.#wake?.abort());
    try {
      while (!this.#signal.aborted) {
        if (!(await this.#step())) await this.#rest();
      }
    } finally {
      unwatch();
    }
  }

  /** Processes a batch of each replay. Resolves with whether there may be more at once. */
  async #step(): Promise<boolean> {
    try {
      await this.#repetitions.refreshIfDue();
      this.#noteResets();
      const progressed = [];
      for (const replay of this.#repetitions.runningIn(this.#options.store.pipelineId))
        progressed.push(await this.#process(replay));
      this.#failures = 0;
      return progressed.includes(true);
    } catch {
      this.#followers.clear();
      this.#failures += 1;
      await backOff(Math.min(this.#failures, 10), backoff, this.#signal).catch(() => {});
      return true;
    }
  }

  #noteResets(): void {
    const { lastResetId } = this.#repetitions;
    if (lastResetId === this.#knownResetId) return;
    this.#knownResetId = lastResetId;
    this.#options.moved();
  }

  /** Processes a batch of a replay, and ends the replay behind its last notification or after an error. */
  async #process(replay: OpenReplay): Promise<boolean> {
    const { store, followerOf, runTurn } = this.#options;
    const follower = this.#followers.get(replay.id) ?? followerOf(replay);
    if (follower === undefined || this.#signal.aborted) return false;
    this.#followers.set(replay.id, follower);
    try {
      const pulled = await runTurn(async () => {
        const count = await follower.pull(replay.to, this.#signal);
        if (follower.seen >= replay.to) await follower.flush();
        return count;
      });
      if (isBlocking(pulled)) return false;
      if (follower.seen < replay.to) return true;
      return !(await this.#end(replay, 'finished'));
    } catch (error) {
      this.#followers.delete(replay.id);
      if (isTransientFailure(error) || this.#signal.aborted) throw error;
      await this.#repetitions.refresh();
      const isOver = !this.#repetitions.runningIn(store.pipelineId).some(({ id }) => id === replay.id);
      return isOver || (await this.#end(replay, 'failed', messageOf(error)));
    }
  }

  async #end(replay: OpenReplay, outcome: 'finished' | 'failed', error?: string): Promise<boolean> {
    const { store } = this.#options;
    const reason = error ?? `All events up to notification ${replay.to} are processed.`;
    const by = store.applicationName;
    const hasEnded = await endReplay(store, replay, {
      outcome,
      by,
      reason: reason.slice(0, 1_000),
      ...(error !== undefined && { error }),
    });
    if (hasEnded) this.#followers.delete(replay.id);
    return hasEnded;
  }

  async #rest(): Promise<void> {
    const wake = new AbortController();
    this.#wake = wake;
    const signal = AbortSignal.any([wake.signal, this.#signal]);
    await delay(refreshMs, undefined, { signal, ref: false }).catch(() => {});
    this.#wake = undefined;
  }
}
