import { messageOf } from '../../util/errors.ts';
import { ControlLog } from '../control/control-log.ts';
import { isTransientFailure } from '../failures.ts';
import type { Follower } from '../following/follower.ts';
import { isBlocking } from '../following-errors.ts';
import type { EventStore } from '../recording/event-store.ts';
import { endReplay } from './end-replay.ts';
import type { OpenReplay } from './repetitions.ts';

export interface ReplayOptions {
  readonly store: EventStore;
  /** Makes a follower that processes a replay; undefined if its upstream is not followed here. */
  followerOf(replay: OpenReplay): Follower | undefined;
  /** Runs work while the application processes nothing else. */
  runTurn<T>(work: () => Promise<T>): Promise<T>;
}

/** What was processed of the replays of an application. */
export interface ReplayedBatches {
  /** Number of notifications, handled or ignored. */
  readonly count: number;
  /** Whether the position of a replay was recorded behind some of them. */
  readonly isRecorded: boolean;
  /** Whether there may be more at once. */
  readonly hasMore: boolean;
}

const nothing: ReplayedBatches = { count: 0, isRecorded: false, hasMore: false };

/** Processes the replays of an application, a batch of each at a time. */
export class ReplayBatches {
  readonly #options: ReplayOptions;
  readonly #control: ControlLog;
  readonly #followers = new Map<string, Follower>();

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#control = ControlLog.of(options.store.recorder);
  }

  /** Processes a batch of each replay that runs. Throws transient failures, after which a later call tries again. */
  async next(signal: AbortSignal): Promise<ReplayedBatches> {
    try {
      let { count, isRecorded, hasMore } = nothing;
      for (const replay of this.#control.repetitions.runningIn(this.#options.store.pipelineId)) {
        const processed = await this.#process(replay, signal);
        count += processed.count;
        isRecorded ||= processed.isRecorded;
        hasMore ||= processed.hasMore;
      }
      return { count, isRecorded, hasMore };
    } catch (error) {
      this.#followers.clear();
      throw error;
    }
  }

  /** Processes a batch of a replay, and ends the replay behind its last notification or after an error. */
  async #process(replay: OpenReplay, signal: AbortSignal): Promise<ReplayedBatches> {
    const { store, followerOf, runTurn } = this.#options;
    const follower = this.#followers.get(replay.id) ?? followerOf(replay);
    if (follower === undefined || signal.aborted) return nothing;
    this.#followers.set(replay.id, follower);
    try {
      const pulled = await runTurn(async () => {
        const count = await follower.pull(replay.to, signal);
        if (follower.seen >= replay.to) await follower.flush();
        return count;
      });
      if (isBlocking(pulled)) return nothing;
      const isRecorded = pulled > 0 && !follower.isAhead;
      if (follower.seen < replay.to) return { count: pulled, isRecorded, hasMore: true };
      return { count: pulled, isRecorded, hasMore: !(await this.#end(replay, 'finished')) };
    } catch (error) {
      this.#followers.delete(replay.id);
      if (isTransientFailure(error) || signal.aborted) throw error;
      await this.#control.refresh();
      const isOver = !this.#control.repetitions
        .runningIn(store.pipelineId)
        .some(({ id }) => id === replay.id);
      return { ...nothing, hasMore: isOver || (await this.#end(replay, 'failed', messageOf(error))) };
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
}
