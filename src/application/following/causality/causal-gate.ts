import type { Cause } from '../../../domain/provenance.ts';
import type { Recorder } from '../../../storage/recorder.ts';
import type { StoredNotification } from '../../../storage/stored-event.ts';
import type { EventStore } from '../../recording/event-store.ts';
import type { UpstreamCursor } from '../upstream-cursor.ts';
import { NearestCauses } from './nearest-causes.ts';
import { OtherPipelines } from './other-pipelines.ts';

/** A notification that must wait for another one. */
export interface WaitingNotification {
  /** Index among the notifications that were checked. */
  readonly index: number;
  readonly notification: StoredNotification;
  /** The notification that the application must process first. */
  readonly dependency: Cause;
}

/**
 * Holds back the notifications of an application's upstreams until the application has processed what they follow from:
 * their nearest causes in the logs of its upstreams, and the notifications of other pipelines on which they depend.
 */
export class CausalGate {
  readonly #pipelineId: number;
  /** The upstreams in the application's own pipeline, by name. */
  readonly #cursors = new Map<string, UpstreamCursor>();
  readonly #others: OtherPipelines;
  readonly #causes: NearestCauses;

  /** @param mayPark Whether the application parks notifications. */
  constructor(
    { recorder, pipelineId }: EventStore,
    intermediates: ReadonlyMap<string, Recorder>,
    mayPark: boolean,
  ) {
    this.#pipelineId = pipelineId;
    this.#others = new OtherPipelines(recorder, mayPark);
    this.#causes = new NearestCauses(this.#cursors, intermediates);
  }

  /** Adds an upstream, or replaces its cursor. */
  add(cursor: UpstreamCursor): void {
    this.#cursors.set(cursor.upstreamName, cursor);
  }

  /** Whether memory suffices to see that no notification must wait, as nearly always. */
  passes(notifications: readonly StoredNotification[]): boolean {
    for (const notification of notifications) if (!this.#isFree(notification)) return false;
    return true;
  }

  /**
   * Finds the first notification of an upstream that must wait. Notifications that the policy ignores wait, too: other
   * notifications rely on a position meaning that all notifications up to it and their causes are processed.
   */
  async firstWaiting(
    upstreamName: string,
    notifications: readonly StoredNotification[],
  ): Promise<WaitingNotification | undefined> {
    const asked = new Set<string>();
    for (const [index, notification] of notifications.entries()) {
      if (this.#isFree(notification)) continue;
      const dependency = await this.#unprocessed(upstreamName, notification, asked);
      if (dependency !== undefined) return { index, notification, dependency };
    }
    return undefined;
  }

  /** Forgets what was read: the storage may have been restored from an older copy. */
  forget(): void {
    this.#others.forget();
    this.#causes.forget();
  }

  /** Finds the nearest cause of a notification in a followed log. */
  async nearestCauseOf({ cause }: StoredNotification): Promise<Cause | undefined> {
    return cause && this.#causes.find(cause);
  }

  /** Whether memory suffices to see that a notification need not wait. */
  #isFree({ cause, dependencies }: StoredNotification): boolean {
    if (dependencies !== undefined) return false;
    if (cause === undefined) return true;
    const cursor = this.#cursors.get(cause.applicationName);
    if (cursor === undefined) return !this.#causes.isIntermediate(cause);
    return cause.pipelineId === this.#pipelineId && cursor.seen >= cause.notificationId;
  }

  /** Finds a notification that must be processed before a notification of an upstream, and is not processed yet. */
  async #unprocessed(
    upstreamName: string,
    { cause, dependencies = [] }: StoredNotification,
    asked: Set<string>,
  ): Promise<Cause | undefined> {
    for (const place of dependencies) {
      const dependency = { applicationName: upstreamName, ...place };
      if (!(await this.#isProcessed(dependency, asked))) return dependency;
    }
    const nearest = cause && (await this.#causes.find(cause));
    if (nearest === undefined) return undefined;
    // A cause in the same log is before its effect.
    if (nearest.applicationName === upstreamName && nearest.pipelineId === this.#pipelineId) return undefined;
    return (await this.#isProcessed(nearest, asked)) ? undefined : nearest;
  }

  /**
   * Reads a position only if its known lower bound does not suffice, and once for each log. What is parked in another
   * pipeline is not processed. What is parked in this one counts as processed here, because others are parked behind it.
   */
  async #isProcessed(place: Cause, asked: Set<string>): Promise<boolean> {
    const { applicationName, pipelineId, notificationId } = place;
    const cursor = pipelineId === this.#pipelineId ? this.#cursors.get(applicationName) : undefined;
    const key = `${pipelineId} ${applicationName}`;
    const isReached = () =>
      cursor === undefined ? this.#others.isProcessed(place) : cursor.seen >= notificationId;
    if (isReached() || asked.has(key)) return isReached();
    asked.add(key);
    if (cursor !== undefined) await cursor.refresh();
    else await this.#others.read(place);
    return isReached();
  }
}
