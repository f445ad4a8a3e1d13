import type { Cause } from '../../domain/provenance.ts';
import type { ParkedContent, ParkedKey } from '../../storage/parked.ts';
import type { Recorder } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { now } from '../../util/time.ts';
import { ParkingLimitError } from './errors.ts';
import { parkedContent, reasonBehind, reasonOfFailure } from './parked-reason.ts';
import type { ParkedSet } from './parked-set.ts';

/** A notification on which the policy has failed, and which an error rule parks. */
export interface FailedToPark {
  readonly notificationId: number;
  /** Number of tries that have failed. */
  readonly attempts: number;
  readonly error: unknown;
}

/** Which notifications of a batch are parked instead of processed. */
export interface ParkingPlan {
  /** Number of notifications to which the plan applies. */
  readonly count: number;
  /** What is parked, by notification in the order of the log; undefined for a notification that is parked already. */
  readonly parked: ReadonlyMap<number, ParkedContent | undefined>;
  /** Notifications of earlier batches behind which others are parked. */
  readonly behind: readonly ParkedKey[];
}

export interface ParkingPlannerParts {
  readonly applicationName: string;
  readonly upstreamName: string;
  readonly pipelineId: number;
  readonly recorder: Recorder;
  readonly parked: ParkedSet;
  /** Whether later notifications of the same aggregate are parked behind a parked one. */
  readonly byAggregate: boolean;
  /** Largest number of parked notifications of the application. */
  readonly limit: number;
  /** Whether the policy handles a notification. */
  isHandled(notification: StoredNotification): boolean;
  /** Finds the nearest cause of a notification in a log that the application follows. */
  nearestCauseOf(notification: StoredNotification): Promise<Cause | undefined>;
}

/** Decides which notifications of an upstream are parked: those on which the policy has failed, and those behind them. */
export class ParkingPlanner {
  readonly #parts: ParkingPlannerParts;

  constructor(parts: ParkingPlannerParts) {
    this.#parts = parts;
  }

  /** @throws {@link ParkingLimitError} if the first notification would exceed the limit. */
  async plan(
    notifications: readonly StoredNotification[],
    failed: FailedToPark | undefined,
  ): Promise<ParkingPlan> {
    const { parked: set, upstreamName } = this.#parts;
    await set.load();
    const parked = new Map<number, ParkedContent | undefined>();
    const behind: ParkedKey[] = [];
    const aggregates = new Map<string, number>();
    let room: number | undefined;
    for (const [count, notification] of notifications.entries()) {
      const { id, originatorId } = notification;
      const isFailed = failed?.notificationId === id;
      if (!isFailed && set.has({ upstreamName, notificationId: id })) {
        parked.set(id, undefined);
        continue;
      }
      const blocker = isFailed ? undefined : await this.blockerOf(notification, parked, aggregates);
      if (!isFailed && blocker === undefined) continue;
      room ??= await this.#room();
      if (room === 0 && count === 0) throw this.#exceeded(id, isFailed ? failed.error : undefined);
      if (room === 0) return { count, parked, behind };
      room -= 1;
      if (blocker !== undefined && set.has(blocker)) behind.push(blocker);
      const reason = blocker === undefined ? reasonOfFailure(failed?.error) : reasonBehind(blocker);
      parked.set(id, parkedContent(originatorId, isFailed ? failed.attempts : 0, reason, now()));
      if (!aggregates.has(originatorId)) aggregates.set(originatorId, id);
    }
    return { count: notifications.length, parked, behind };
  }

  /**
   * Returns the parked notification behind which another one must be parked, if any.
   *
   * @param parked Notifications of the same batch that are parked.
   * @param aggregates The first of them, by aggregate.
   */
  async blockerOf(
    notification: StoredNotification,
    parked: ReadonlyMap<number, unknown> = new Map(),
    aggregates: ReadonlyMap<string, number> = new Map(),
  ): Promise<ParkedKey | undefined> {
    const { parked: set, upstreamName, byAggregate, isHandled } = this.#parts;
    const { originatorId } = notification;
    if (byAggregate && isHandled(notification)) {
      const before = set.firstOf(upstreamName, originatorId);
      if (before !== undefined) return before;
      const notificationId = aggregates.get(originatorId);
      if (notificationId !== undefined) return { upstreamName, notificationId };
    }
    const cause = await this.#causeOf(notification);
    if (cause === undefined) return undefined;
    const isInBatch = cause.upstreamName === upstreamName && parked.has(cause.notificationId);
    return isInBatch || set.has(cause) ? cause : undefined;
  }

  async #causeOf(notification: StoredNotification): Promise<ParkedKey | undefined> {
    if (notification.cause === undefined) return undefined;
    const cause = await this.#parts.nearestCauseOf(notification);
    if (cause?.pipelineId !== this.#parts.pipelineId) return undefined;
    return { upstreamName: cause.applicationName, notificationId: cause.notificationId };
  }

  /** Number of notifications that may still be parked. */
  async #room(): Promise<number> {
    const { recorder, limit } = this.#parts;
    const counts = (await recorder.countParked?.()) ?? [];
    return Math.max(0, limit - counts.reduce((sum, { count }) => sum + count, 0));
  }

  #exceeded(notificationId: number, cause: unknown): ParkingLimitError {
    const { applicationName, upstreamName, pipelineId, limit } = this.#parts;
    return new ParkingLimitError({ applicationName, upstreamName, pipelineId, notificationId }, limit, cause);
  }
}
