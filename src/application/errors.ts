import type { DomainEvent } from '../domain/event.ts';
import type { Cause } from '../domain/provenance.ts';
import { NotDecodableError } from '../storage/codec/errors.ts';
import { isTransient, PositionConflictError, RecordConflictError, StorageError } from '../storage/errors.ts';
import { isError, KahnError, messageOf } from '../util/errors.ts';
import { nearestOf } from '../util/nearest-name.ts';
import { timeText } from '../util/time.ts';

/** The application has no aggregate with this id, or not at this version, or the aggregate is discarded. */
export class AggregateNotFoundError extends KahnError {
  override readonly code = 'AGGREGATE_NOT_FOUND';
  declare readonly applicationName: string;
  declare readonly originatorId: string;

  constructor(applicationName: string, className: string, originatorId: string, version?: number) {
    const at = version === undefined ? '' : ` at version ${version}`;
    super(`Application '${applicationName}' has no ${className} '${originatorId}'${at}.`, {
      applicationName,
      originatorId,
    });
  }
}

/** An application was used before it was opened or after it was closed. */
export class ApplicationNotOpenError extends KahnError {
  override readonly code = 'APPLICATION_NOT_OPEN';
  declare readonly applicationName: string;

  constructor(applicationName: string, state: 'closed' | 'not opened') {
    super(
      `Application '${applicationName}' is ${state}. ` +
        'Get it from a running runner or open it with its static open(), and use it before it is closed.',
      { applicationName },
    );
  }
}

/** An application that belongs to a runner was closed directly. */
export class ApplicationOwnedByRunnerError extends KahnError {
  override readonly code = 'APPLICATION_OWNED_BY_RUNNER';
  declare readonly applicationName: string;

  constructor(applicationName: string) {
    super(`Application '${applicationName}' belongs to its runner: close the runner instead.`, {
      applicationName,
    });
  }
}

/** `changePipeline()` was called on an application that must stay in its pipeline. */
export class PipelineFixedError extends KahnError {
  override readonly code = 'PIPELINE_FIXED';
  declare readonly applicationName: string;
  declare readonly pipelineId: number;

  constructor(applicationName: string, pipelineId: number) {
    super(
      `Application '${applicationName}' cannot leave pipeline ${pipelineId}: it follows other applications there, or ` +
        'belongs to a runner. Open another instance for the other pipeline, or use a runner of several pipelines.',
      { applicationName, pipelineId },
    );
  }
}

/** A required static property of an application class is missing or invalid. */
export class InvalidApplicationError extends KahnError {
  override readonly code = 'INVALID_APPLICATION';
}

/** Share of letters that a misspelt event type gets wrong. Types of other applications may share more than half. */
const maxMisspelling = 0.2;

/** The type of an event is not listed in the `static emits` of its application. */
export class UndeclaredEventError extends KahnError {
  override readonly code = 'UNDECLARED_EVENT';
  declare readonly applicationName: string;
  declare readonly eventType: string;

  constructor(applicationName: string, eventType: string, emits: Iterable<string>) {
    const nearest = nearestOf(eventType, [...emits], maxMisspelling);
    const question = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
    super(
      `Application '${applicationName}' cannot record '${eventType}': it is not listed in its 'static readonly emits'.` +
        `${question} Add an event of this application there. Save an aggregate of another application by that application.`,
      { applicationName, eventType },
    );
  }
}

/**
 * An aggregate has an event whose type its application does not declare, as after a newer version has recorded it. Without
 * this event its state would be wrong, so it is not loaded.
 */
export class UnknownEventError extends KahnError {
  override readonly code = 'UNKNOWN_EVENT';
  declare readonly applicationName: string;
  /** Name of the class as which the aggregate was loaded. */
  declare readonly className: string;
  declare readonly originatorId: string;
  declare readonly originatorVersion: number;
  declare readonly eventType: string;
  /** Time of the event, in ms since 1970. */
  declare readonly timestamp: number;

  constructor(applicationName: string, event: Omit<DomainEvent, 'data'>, className: string) {
    const { originatorId, originatorVersion, type: eventType, timestamp } = event;
    super(
      `Application '${applicationName}' cannot load ${className} '${originatorId}': its version ${originatorVersion} is an ` +
        `event of type '${eventType}', recorded at ${timeText(timestamp)}, which is not listed in ` +
        "'static readonly emits'. Run the version of the application that records it, or add it there, and to apply(). " +
        'The list holds all types that are recorded, also those that are not triggered any more.',
      { applicationName, className, originatorId, originatorVersion, eventType, timestamp },
    );
  }
}

/** Too many saves wait for the storage: await earlier saves first. */
export class TooManySavesError extends KahnError {
  override readonly code = 'TOO_MANY_SAVES';
}

/** A policy called `save()`. Its changes are recorded automatically, together with the position upstream. */
export class SaveInPolicyError extends KahnError {
  override readonly code = 'SAVE_IN_POLICY';
  declare readonly applicationName: string;

  constructor(applicationName: string, policyOf: string) {
    super(
      `The policy of application '${policyOf}' called save() on '${applicationName}'. A policy does not save: return ` +
        'new aggregates, and get others from the repository of the handler. Their changes are recorded together with ' +
        'the position upstream.',
      { applicationName },
    );
  }
}

/** A policy returned something that cannot be recorded, or used its repository after it had returned. */
export class InvalidPolicyError extends KahnError {
  override readonly code = 'INVALID_POLICY';
}

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
            : `pipeline ${dependency.pipelineId} is running`
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

/** The error of an upstream whose next notification must wait. It is retried; only others can end the wait. */
export type BlockingError = CausalDependencyError | OtherVersionError;

/** Whether an error says that the next notification of an upstream must wait. */
export function isBlocking(error: unknown): error is BlockingError {
  return error instanceof CausalDependencyError || error instanceof OtherVersionError;
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

/** Returns the error for a notification on which a policy failed because its code does not know something, if it did. */
export function asOtherVersion(error: unknown): OtherVersionError | undefined {
  if (!(error instanceof PolicyError)) return undefined;
  const reason = unknownIn(error.cause);
  return reason && new OtherVersionError(error, reason, error.cause);
}

/** Whether a repository could not read what is recorded, so that what a handler decides without it means nothing. */
export function isUnread(error: unknown): boolean {
  return error instanceof StorageError || unknownIn(error) !== undefined;
}

/** Returns what the code does not know, if that is the reason of an error or of one of its causes. */
function unknownIn(error: unknown): OtherVersionReason | undefined {
  for (const cause of chainOf(error)) {
    if (cause instanceof UnknownEventError) return 'AGGREGATE_UNKNOWN';
    if (cause instanceof NotDecodableError && cause.typeName !== undefined) return 'DATA_UNKNOWN';
  }
  return undefined;
}

/**
 * Whether the same work may succeed when it is repeated later: the storage is busy or unavailable, another writer
 * recorded first, or a notification waits for another log or another version.
 */
export function isTransientFailure(error: unknown): boolean {
  return (
    isTransient(error instanceof PolicyError ? storageErrorIn(error) : error) ||
    error instanceof RacesLostError ||
    error instanceof RecordConflictError ||
    error instanceof PositionConflictError ||
    isBlocking(error)
  );
}

/** Returns the error of a storage that a policy has passed on, maybe as the cause of an error of its own. */
function storageErrorIn(error: PolicyError): StorageError | undefined {
  return chainOf(error.cause).find((cause) => cause instanceof StorageError);
}

/** Most errors of a chain that are followed. */
const longestChain = 10;

/** An error and its causes. */
function* chainOf(error: unknown): Generator<Error, undefined, undefined> {
  let next = error;
  for (let length = 0; length < longestChain && isError(next); length += 1) {
    yield next;
    next = next.cause;
  }
}
