import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../../util/errors.ts';
import { backOff } from '../../util/retry.ts';
import { ControlLog } from '../control/control-log.ts';
import { isTransientFailure } from '../failures.ts';
import type { Follower } from '../following/follower.ts';
import { isBlocking } from '../following-errors.ts';
import type { EventStore } from '../recording/event-store.ts';
import { endReplay } from './end-replay.ts';
import type { OpenReplay } from './repetitions.ts';

export interface ReplayLoopOptions {
  readonly store: EventStore;
  /** Makes a follower that processes a replay; undefined if its upstream is not followed here. */
  followerOf(replay: OpenReplay): Follower | undefined;
  /** Runs work while the application processes nothing else. */
  runTurn<T>(work: () => Promise<T>): Promise<T>;
}

const backoff = { firstMs: 10, maxMs: 5_000 };
/** Time after which a replay that waits for another version is tried again, in ms. */
const restMs = 1_000;

/**
 * Processes the replays of an application until the signal is aborted: a batch of each in turn with the followers, so that
 * neither new notifications nor replays wait for the end of the other.
 */
export class ReplayLoop {
  readonly #options: ReplayLoopOptions;
  readonly #control: ControlLog;
  readonly #signal: AbortSignal;
  readonly #followers = new Map<string, Follower>();
  #wake: AbortController | undefined;
  #failures = 0;

  constructor(options: ReplayLoopOptions, signal: AbortSignal) {
    this.#options = options;
    this.#control = ControlLog.of(options.store.recorder);
    this.#signal = signal;
  }

  async run(): Promise<void> {
    this.#control.watch(() => this.#wake?.abort(), this.#signal);
    while (!this.#signal.aborted) {
      if (await this.#step()) await nextTurn();
      else await this.#rest();
    }
  }

  /** Processes a batch of each replay. Resolves with whether there may be more at once. */
  async #step(): Promise<boolean> {
    try {
      if (this.#control.pause !== undefined) return false;
      const progressed = [];
      for (const replay of this.#control.repetitions.runningIn(this.#options.store.pipelineId))
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
      await this.#control.refresh();
      const isOver = !this.#control.repetitions
        .runningIn(store.pipelineId)
        .some(({ id }) => id === replay.id);
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
    this.#followers.delete(replay.id);
    if (!hasEnded) await this.#control.refresh(); // another host has ended it, or handles more of it
    return hasEnded;
  }

  async #rest(): Promise<void> {
    const wake = new AbortController();
    this.#wake = wake;
    const signal = AbortSignal.any([wake.signal, this.#signal]);
    await delay(restMs, undefined, { signal, ref: false }).catch(() => {});
    this.#wake = undefined;
  }
}
