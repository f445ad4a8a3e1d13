import type { StoredEvent, StoredNotification } from '../../../storage/stored-event.ts';
import { type Batch, noneParked } from '../../parking/parked-changes.ts';
import { loggedOf, type PreparedEvents } from '../../recording/event-store.ts';
import type { UpstreamCursor } from '../upstream-cursor.ts';
import type { BatchProcessorOptions } from './batch-options.ts';
import { AdaptiveBatchSize } from './batch-size.ts';

/** Number of full batches of ignored notifications after which their position is recorded without events. */
const maxIgnoredBatches = 10;

/** Moves the cursor of an upstream behind each batch, reports the batch, and learns how large the next one may be. */
export class BatchProgress {
  readonly #options: BatchProcessorOptions;
  readonly #cursor: UpstreamCursor;
  readonly #size: AdaptiveBatchSize;

  constructor(options: BatchProcessorOptions, cursor: UpstreamCursor) {
    this.#options = options;
    this.#cursor = cursor;
    this.#size = new AdaptiveBatchSize(options.batchSize);
  }

  /** Number of notifications to read for the next batch. */
  get batchSize(): number {
    return this.#size.limit;
  }

  /** Longest time to run the policy before its changes are recorded, in ms. */
  get longestMs(): number {
    return this.#size.longestMs;
  }

  /** Notes that notifications up to `last` are ignored. Their position is recorded later. */
  ignore(last: StoredNotification): void {
    this.#report(last.id, [], undefined);
    this.finish(last, 0, 0);
  }

  /** Whether so many notifications were ignored that their position is recorded without events. */
  isPositionDue(last: StoredNotification): boolean {
    return this.#cursor.distanceTo(last.id) >= this.#options.batchSize * maxIgnoredBatches;
  }

  /** Notes that the notifications up to `last` are done, and the time that they took in the policy and elsewhere, in ms. */
  finish(last: StoredNotification, policyMs: number, otherMs: number): void {
    this.#size.learn(last.id - this.#cursor.seen, policyMs, otherMs);
    this.#cursor.advanceTo(last);
  }

  /** Notes what was recorded, and the head of the application's own log after it. Called before {@link finish}. */
  noteRecorded(prepared: PreparedEvents, head: number, parked?: Batch['parked']): void {
    const { tracking } = prepared.processEvent;
    const effects = loggedOf(prepared);
    if (tracking !== undefined) this.#cursor.setRecorded(tracking.position);
    const position = tracking?.position ?? this.#cursor.seen;
    this.#report(position, effects, effects.length > 0 ? head : undefined, parked);
    if (effects.length > 0) this.#options.grown(head);
  }

  /** Reports a batch, before the cursor advances. */
  #report(
    to: number,
    effects: readonly StoredEvent[],
    head: number | undefined,
    parked: Batch['parked'] = noneParked,
  ): void {
    const { upstreamName, seen: from } = this.#cursor;
    this.#options.progressed({ upstreamName, from, to, effects, head, parked });
  }
}
