import type { ParkedContent } from '../../../storage/parked.ts';
import type { StoredEvent } from '../../../storage/stored-event.ts';
import type { Policy } from '../../policy/policy.ts';
import type { EventStore } from '../../recording/event-store.ts';

/** Notifications of an upstream that an application has just processed, and the events that it recorded for them. */
export interface Progress {
  readonly upstreamName: string;
  /** Id of the last notification before. */
  readonly from: number;
  /** Id of the last notification. */
  readonly to: number;
  /** The events in the application's own log that follow from the notifications, in the order of their causes. */
  readonly effects: readonly StoredEvent[];
  /** Head of that log, after the effects; undefined if there are none. */
  readonly head: number | undefined;
  /** What was parked among the notifications. @default nothing */
  readonly parked?: ReadonlyMap<number, ParkedContent | undefined>;
}

/** What a replay hands to the policy, and how. */
export interface ReplayRules {
  /** Name under which the position of the replay is recorded. */
  readonly positionName: string;
  /** Types of the events that the policy handles; undefined for all. */
  readonly types: readonly string[] | undefined;
  /** Whether handlers may call other systems. */
  readonly sideEffects: boolean;
}

/** Pace of a follower that leaves time to others. */
export interface FollowerPace {
  /** Waits until a batch may begin. Returns no promise if it may begin at once. */
  beforeBatch(): Promise<void> | undefined;
  /** Notes that a batch took a time, in ms. */
  worked(ms: number): void;
}

export interface BatchProcessorOptions {
  readonly store: EventStore;
  readonly policy: Policy;
  /** Largest number of notifications processed in one transaction. */
  readonly batchSize: number;
  /** Resources of the system, for handlers. */
  readonly resources?: unknown;
  /** What a replay hands to the policy, and how. @default new notifications */
  readonly replay?: ReplayRules | undefined;
  /** Longest time of a handler, in ms. @default no limit */
  readonly handlerTimeoutMs?: number | undefined;
  /** Limits the share of the time that the follower works. @default all of it */
  readonly pace?: FollowerPace | undefined;
  /** Called with the head of the application's own log when the log has grown. */
  grown(head: number): void;
  /** Called after each batch. */
  progressed(progress: Progress): void;
}
