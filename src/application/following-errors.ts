import type { Cause } from '../domain/provenance.ts';
import type { RecordConflictError } from '../storage/errors.ts';
import { KahnError, messageOf } from '../util/errors.ts';
import type { Pause } from './control/control-log.ts';

/**
 * The log of an upstream does not fit the position of its follower: it holds another notification there than the one
 * that was processed, or notifications are missing. Nothing is processed until the storage is restored as of one moment,
 * or the position is moved with `reposition()`.
 */
export class LogMismatchError extends KahnError {
  override readonly code = 'LOG_MISMATCH';
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  declare readonly pipelineId: number;
  /** Id of the last notification processed. */
  declare readonly position: number;
  /** Number of notifications by which the log ends before the position; 0 if it is long enough. */
  declare readonly missing: number;

  constructor(
    at: Pick<LogMismatchError, 'applicationName' | 'upstreamName' | 'pipelineId' | 'position' | 'missing'>,
    what: string,
  ) {
    const { applicationName, upstreamName, pipelineId, position, missing } = at;
    super(
      `Application '${applicationName}' cannot follow '${upstreamName}' in pipeline ${pipelineId}: ${what}. ` +
        `Was the storage of '${upstreamName}' replaced, cut off, or restored from an older copy? Restore all ` +
        `applications as of the same moment, or move the position of '${applicationName}' with reposition().`,
      { applicationName, upstreamName, pipelineId, position, missing },
    );
  }
}

/**
 * A notification depends on a notification of another log that its application has not processed yet: its cause, or an
 * event of another pipeline. The dependent notification waits, and so do all later notifications of its log.
 */
export class CausalDependencyError extends KahnError {
  override readonly code = 'CAUSAL_DEPENDENCY';
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  /** The pipeline that waits. */
  declare readonly pipelineId: number;
  /** The notification that waits. */
  declare readonly notificationId: number;
  /** The notification that is waited for. */
  declare readonly dependency: Cause;

  constructor(
    waiting: Pick<
      CausalDependencyError,
      'applicationName' | 'upstreamName' | 'pipelineId' | 'notificationId'
    >,
    dependency: Cause,
  ) {
    const { applicationName, upstreamName, pipelineId, notificationId } = waiting;
    super(
      `Application '${applicationName}' waits in pipeline ${pipelineId} with notification ${notificationId} of ` +
        `'${upstreamName}': it depends on notification ${dependency.notificationId} of ` +
        `'${dependency.applicationName}' in pipeline ${dependency.pipelineId}, which '${applicationName}' has not ` +
        `processed yet. Processing resumes automatically; make sure that ${
          dependency.pipelineId === pipelineId
            ? `the log of '${dependency.applicationName}' is complete`
            : `pipeline ${dependency.pipelineId} is running, and that '${applicationName}' has not parked the notification ` +
              'there: then retry or discard it'
        }.`,
      { ...waiting, dependency },
    );
  }
}

/** The notification that waits for another version of its application. */
export interface WaitingForVersion {
  readonly applicationName: string;
  readonly upstreamName: string;
  readonly pipelineId: number;
  readonly notificationId: number;
  readonly eventType: string;
}

/** Why a notification waits for another version of its application. */
export type OtherVersionReason =
  /** The type is not in `emits` of the upstream as this code declares it, and has no handler here. */
  | 'UNKNOWN_TYPE'
  /** Another version of the application handles the type, as its position in the log records; this one does not. */
  | 'TYPE_HANDLED_ELSEWHERE'
  /** The policy gets an aggregate with an event of a type that this code does not declare; see `cause`. */
  | 'AGGREGATE_UNKNOWN'
  /** The data of the event, or of an aggregate that the policy gets, has a custom type that is not in `types`; see `cause`. */
  | 'DATA_UNKNOWN';

/**
 * Another version of the application has to process the next notification of an upstream, so this one leaves it. The
 * notification waits, and so do all later notifications of its log.
 */
export class OtherVersionError extends KahnError implements WaitingForVersion {
  override readonly code = 'OTHER_VERSION';
  declare readonly reason: OtherVersionReason;
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  /** The pipeline that waits. */
  declare readonly pipelineId: number;
  /** The notification that waits. */
  declare readonly notificationId: number;
  declare readonly eventType: string;

  constructor(waiting: WaitingForVersion, reason: OtherVersionReason, cause?: unknown) {
    const { applicationName, upstreamName, pipelineId, notificationId, eventType } = waiting;
    super(
      `Application '${applicationName}' waits in pipeline ${pipelineId} with notification ${notificationId} of ` +
        `'${upstreamName}' ('${eventType}'): ${otherVersionReasons[reason](waiting, cause)} ` +
        'Processing resumes automatically when another version of the application has processed the notification.',
      {
        applicationName,
        upstreamName,
        pipelineId,
        notificationId,
        eventType,
        reason,
        ...(cause !== undefined && { cause }),
      },
    );
  }
}

const otherVersionReasons: Readonly<
  Record<OtherVersionReason, (waiting: WaitingForVersion, cause: unknown) => string>
> = {
  UNKNOWN_TYPE: ({ upstreamName, eventType }) =>
    `this code does not know '${eventType}'. Run a version that knows it, or add it to ` +
    `'static readonly emits' of '${upstreamName}'.`,
  TYPE_HANDLED_ELSEWHERE: ({ eventType }) =>
    `another version of the application handles '${eventType}', this one does not. Run that version, or add a handler ` +
    `here: '${eventType}': () => {} if nothing is to be done.`,
  AGGREGATE_UNKNOWN: (_waiting, cause) => messageOf(cause),
  DATA_UNKNOWN: (_waiting, cause) => messageOf(cause),
};

/**
 * A policy failed on a notification, and an error rule says that it is tried again after a delay. Nothing of the
 * notification is recorded; it waits, and so do all later notifications of its log.
 */
export class PolicyRetryError extends KahnError implements FailedNotification {
  override readonly code = 'POLICY_RETRY';
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  declare readonly pipelineId: number;
  declare readonly notificationId: number;
  declare readonly eventType: string;
  declare readonly originatorId: string;
  /** Number of tries that have failed. */
  declare readonly tries: number;
  /** When the first try failed, in ms since 1970. */
  declare readonly since: number;
  /** When the next try may begin, in ms since 1970; on a stepping runner, in its simulated time. */
  declare readonly nextTryAt: number;

  constructor(failed: PolicyError, when: Pick<PolicyRetryError, 'tries' | 'since' | 'nextTryAt'>) {
    const { applicationName, upstreamName, pipelineId, notificationId, eventType, originatorId } = failed;
    const { tries, since, nextTryAt } = when;
    super(`Try ${tries} failed, another one follows: ${failed.message}`, {
      cause: failed,
      applicationName,
      upstreamName,
      pipelineId,
      notificationId,
      eventType,
      originatorId,
      tries,
      since,
      nextTryAt,
    });
  }
}

/**
 * An application is paused: it processes nothing until it is resumed by `resume()` of a runner. Commands of the
 * application are recorded meanwhile.
 */
export class PausedError extends KahnError implements Pause {
  override readonly code = 'PAUSED';
  declare readonly applicationName: string;
  /** Who paused the application. */
  declare readonly by: string;
  /** Why the application is paused. */
  declare readonly reason: string;
  /** When it was paused, in ms since 1970. */
  declare readonly since: number;

  constructor(applicationName: string, { by, reason, since }: Pause) {
    super(
      `Application '${applicationName}' was paused by ${by} at ${new Date(since).toISOString()}: ${reason}. ` +
        'It continues when it is resumed with resume() of a runner.',
      { applicationName, by, reason, since },
    );
  }
}

/** The error of an upstream whose next notification must wait. It is retried. */
export type BlockingError = CausalDependencyError | OtherVersionError | PolicyRetryError | PausedError;

/** Whether an error says that the next notification of an upstream must wait. */
export function isBlocking(error: unknown): error is BlockingError {
  return (
    error instanceof CausalDependencyError ||
    error instanceof OtherVersionError ||
    error instanceof PolicyRetryError ||
    error instanceof PausedError
  );
}

/** Returns the notification that an upstream waits for, if it is in the log of another upstream in the same pipeline. */
export function dependencyWithin(error: BlockingError): Cause | undefined {
  if (!(error instanceof CausalDependencyError)) return undefined;
  return error.dependency.pipelineId === error.pipelineId ? error.dependency : undefined;
}

/** The notification on which a policy failed. */
export interface FailedNotification {
  readonly applicationName: string;
  readonly upstreamName: string;
  readonly pipelineId: number;
  readonly notificationId: number;
  readonly eventType: string;
  readonly originatorId: string;
}

/**
 * A policy failed on one notification. All earlier notifications are recorded; nothing of the failed notification is.
 */
export class PolicyError extends KahnError implements FailedNotification {
  override readonly code = 'POLICY_FAILED';
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  declare readonly pipelineId: number;
  declare readonly notificationId: number;
  declare readonly eventType: string;
  declare readonly originatorId: string;

  constructor(failed: FailedNotification, cause: unknown, part = 'The policy') {
    super(
      `${part} of application '${failed.applicationName}' failed on notification ${failed.notificationId} ` +
        `of '${failed.upstreamName}' ('${failed.eventType}' of aggregate '${failed.originatorId}'): ${messageOf(cause)}`,
      { ...failed, cause },
    );
  }
}

/**
 * A follower has lost many races: other writers keep changing an aggregate while its policy works. It tries again, and
 * then takes the write lock of its application.
 */
export class RacesLostError extends KahnError {
  override readonly code = 'RACES_LOST';
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  /** Number of races lost in a row. */
  declare readonly attempts: number;
  /** Aggregate that other writers have changed. */
  declare readonly originatorId: string;

  constructor(upstreamName: string, attempts: number, cause: RecordConflictError) {
    const { applicationName, originatorId } = cause;
    super(
      `Application '${applicationName}' has lost ${attempts} races in a row while it followed '${upstreamName}': other ` +
        `writers keep changing aggregate '${originatorId}'. It tries again.`,
      { cause, applicationName, upstreamName, attempts, originatorId },
    );
  }
}
