import type { StoredNotification } from '../../storage/stored-event.ts';
import { CausalDependencyError, OtherVersionError } from '../following-errors.ts';
import type { EventStore } from '../recording/event-store.ts';
import type { CausalGate } from './causality/causal-gate.ts';
import type { TypeGate } from './type-gate.ts';

/** Why a notification must wait. */
export type WaitingError = CausalDependencyError | OtherVersionError;

/** The notifications at the start of a batch that may be processed now, or why the first one must wait. */
export type Passing = readonly StoredNotification[] | WaitingError;

/** The gates between the log of one upstream and the policy: they hold back what must wait. */
export class Gates {
  readonly #follower: Pick<EventStore, 'applicationName' | 'pipelineId'>;
  readonly #upstreamName: string;
  readonly #causes: CausalGate;
  readonly #types: TypeGate;

  /**
   * @param follower The application that reads the log.
   * @param causes Gate for notifications whose causes are not processed yet.
   * @param types Gate for notifications that another version of the application handles.
   */
  constructor(
    follower: Pick<EventStore, 'applicationName' | 'pipelineId'>,
    upstreamName: string,
    causes: CausalGate,
    types: TypeGate,
  ) {
    this.#follower = follower;
    this.#upstreamName = upstreamName;
    this.#causes = causes;
    this.#types = types;
  }

  /** Lets through what need not wait. Returns no promise if memory suffices to decide, as nearly always. */
  pass(notifications: readonly StoredNotification[]): Passing | Promise<Passing> {
    return this.#causes.passes(notifications)
      ? this.#passTypes(notifications)
      : this.#passCauses(notifications);
  }

  async #passCauses(notifications: readonly StoredNotification[]): Promise<Passing> {
    const waiting = await this.#causes.firstWaiting(this.#upstreamName, notifications);
    if (waiting?.index === 0)
      return new CausalDependencyError(this.#placeOf(waiting.notification), waiting.dependency);
    return this.#passTypes(notifications.slice(0, waiting?.index));
  }

  #passTypes(notifications: readonly StoredNotification[]): Passing {
    const barred = this.#types.firstBarred(notifications);
    if (barred === undefined) return notifications;
    const { index, notification, reason } = barred;
    if (index > 0) return notifications.slice(0, index);
    return new OtherVersionError({ ...this.#placeOf(notification), eventType: notification.type }, reason);
  }

  #placeOf({ id: notificationId }: StoredNotification) {
    const { applicationName, pipelineId } = this.#follower;
    return { applicationName, upstreamName: this.#upstreamName, pipelineId, notificationId };
  }
}
