import type { Cause } from '../../domain/provenance.ts';
import type { ParkedContent, ParkedNotification } from '../../storage/parked.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { isInstance } from '../../util/errors.ts';
import { isTransientFailure } from '../failures.ts';
import { PolicyError, type PolicyRetryError } from '../following-errors.ts';
import { reasonOfFailure } from '../parking/parked-reason.ts';
import { ParkedSet } from '../parking/parked-set.ts';
import { type FailedToPark, type ParkingPlan, ParkingPlanner } from '../parking/parking-plan.ts';
import type { EventStore } from '../recording/event-store.ts';
import type { ErrorRules } from './error-rules.ts';
import { RuledFailures } from './ruled-failures.ts';

/** What the followers of an application know of its failures and parked notifications. */
export class FailureHandling {
  readonly store: EventStore;
  readonly rules: ErrorRules;
  readonly failures: RuledFailures;
  readonly parked: ParkedSet;
  /** Whether parked notifications may be due, or nothing is left behind which they are parked. */
  mayBeDue: boolean;

  constructor(store: EventStore, rules: ErrorRules) {
    this.store = store;
    this.rules = rules;
    this.failures = new RuledFailures(rules);
    this.parked = new ParkedSet(store.recorder, store.pipelineId);
    this.mayBeDue = store.recorder.parked !== undefined;
  }

  /** Forgets what was read: the storage may have been restored from an older copy. */
  forget(): void {
    this.parked.forget();
    this.failures.clear();
    this.mayBeDue = this.store.recorder.parked !== undefined;
  }

  /** Notes that another writer may have parked notifications. */
  readonly moved = (): void => {
    if (this.rules.mayPark) this.parked.forget();
  };
}

/** Parts of {@link FollowerFailures}. */
export interface FollowerFailuresParts {
  readonly upstreamName: string;
  readonly handling: FailureHandling;
  /** Whether the policy handles a notification. */
  isHandled(notification: StoredNotification): boolean;
  /** Finds the nearest cause of a notification in a log that the application follows. */
  nearestCauseOf(notification: StoredNotification): Promise<Cause | undefined>;
}

/** Applies the error rules of an application to the notifications of one upstream. */
export class FollowerFailures {
  /** Whether errors are subject to rules. */
  readonly hasRules: boolean;
  readonly #upstreamName: string;
  readonly #handling: FailureHandling;
  readonly #planner: ParkingPlanner;
  /** The next notification, if it is to be parked. */
  #failed: FailedToPark | undefined;

  constructor({ upstreamName, handling, isHandled, nearestCauseOf }: FollowerFailuresParts) {
    const { store, rules, parked } = handling;
    const { applicationName, pipelineId, recorder } = store;
    const { byAggregate, limit } = rules;
    this.#upstreamName = upstreamName;
    this.hasRules = !rules.areEmpty;
    this.#handling = handling;
    this.#planner = new ParkingPlanner({
      applicationName,
      upstreamName,
      pipelineId,
      recorder,
      parked,
      byAggregate,
      limit,
      isHandled,
      nearestCauseOf,
    });
  }

  /** Whether it is known that no notification is to be parked. */
  get isIdle(): boolean {
    return this.#failed === undefined && this.#handling.parked.isKnownEmpty;
  }

  /** Returns the failure after which the next try must not begin yet. */
  get resting(): PolicyRetryError | undefined {
    return this.#handling.failures.resting(this.#upstreamName);
  }

  /** Forgets which notification is to be parked next: the position may have been moved. */
  forget(): void {
    this.#failed = undefined;
  }

  /** Decides which notifications of a batch are parked. */
  plan(notifications: readonly StoredNotification[]): Promise<ParkingPlan> {
    return this.#planner.plan(notifications, this.#failed);
  }

  /** Notes that the notifications of a plan up to an id are recorded, and looks whether those before them are still parked. */
  async recorded({ parked, behind }: ParkingPlan, seen: number): Promise<void> {
    const { parked: set } = this.#handling;
    if (this.#failed !== undefined && this.#failed.notificationId <= seen) this.#failed = undefined;
    for (const [notificationId, content] of parked) {
      if (content !== undefined && notificationId <= seen)
        set.add({ upstreamName: this.#upstreamName, notificationId }, content.originatorId);
    }
    if (behind.length === 0) return;
    set.forget();
    await set.load();
    if (!behind.every((key) => set.has(key))) this.#handling.mayBeDue = true;
  }

  /**
   * Decides by the rules on the error of a batch. Returns the error for a notification that is tried again later, and
   * undefined if it is parked with the next batch.
   *
   * @throws the error if it is no subject of rules, or stops the application.
   */
  rule(error: unknown, signal: AbortSignal | undefined): PolicyRetryError | undefined {
    if (!isInstance(error, PolicyError) || isTransientFailure(error) || signal?.aborted) throw error;
    const { notificationId } = error;
    if (this.#failed?.notificationId === notificationId) throw error; // it cannot even be parked
    const ruling = this.#handling.failures.rule(error);
    if (ruling.kind === 'stop') throw error;
    if (ruling.kind === 'retry') return ruling.error;
    this.#failed = { notificationId, attempts: ruling.attempts, error: error.cause };
    return undefined;
  }

  /** Whether a parked notification must stay behind another one. */
  async isBlocked(notification: StoredNotification): Promise<boolean> {
    return (await this.#planner.blockerOf(notification)) !== undefined;
  }

  /** Returns the content of a parked notification on which the policy has failed again. */
  failedAgain({ originatorId, attempts, since }: ParkedNotification, failed: PolicyError): ParkedContent {
    const reason = reasonOfFailure(failed.cause);
    return { originatorId, isDue: false, attempts: attempts + 1, since, reason };
  }

  /** Whether a rule parks a notification that is not tried again. */
  parks(failed: PolicyError): boolean {
    return this.#handling.rules.decide(failed, Infinity).kind === 'park';
  }
}
