import { KahnError } from '../util/errors.ts';

/** An aggregate is discarded: it cannot change, and no aggregate with its id can be created. */
export class AggregateDiscardedError extends KahnError {
  override readonly code = 'AGGREGATE_DISCARDED';
  declare readonly originatorId: string;
  /** Name of the application; undefined if an event was triggered on a discarded aggregate. */
  declare readonly applicationName: string | undefined;
  /** Version of the discarded aggregate, if known. */
  declare readonly currentVersion: number | undefined;

  /** @internal */
  static ofTrigger(className: string, originatorId: string, eventType: string): AggregateDiscardedError {
    return new AggregateDiscardedError(
      `Cannot trigger '${eventType}' on ${className} '${originatorId}': it is discarded. Create a new one with another id.`,
      { originatorId },
    );
  }

  /** @internal */
  static ofCreate(
    applicationName: string,
    className: string,
    originatorId: string,
    currentVersion: number,
    cause?: unknown,
  ): AggregateDiscardedError {
    return new AggregateDiscardedError(
      `Application '${applicationName}' cannot create ${className} '${originatorId}': the aggregate with this id was ` +
        `discarded at version ${currentVersion}, and an id is not used again. Choose another id; ` +
        'repository.wasDiscarded() tells beforehand.',
      { applicationName, originatorId, currentVersion, ...(cause !== undefined && { cause }) },
    );
  }
}

/** An aggregate was changed after its handler or its update had finished, so the event would not be recorded. */
export class AggregateReleasedError extends KahnError {
  override readonly code = 'AGGREGATE_RELEASED';
  declare readonly originatorId: string;

  constructor(className: string, originatorId: string, eventType: string) {
    super(
      `Cannot trigger '${eventType}' on ${className} '${originatorId}': the policy or update() that loaded it has already ` +
        'finished. Await everything that a handler starts, and keep no aggregate after it returns.',
      { originatorId },
    );
  }
}

/**
 * An aggregate was used that was changed by a repeated command: the first command with its idempotency key is recorded, the
 * changes of this object are not.
 */
export class AggregateRepeatedError extends KahnError {
  override readonly code = 'AGGREGATE_REPEATED';
  declare readonly originatorId: string;
  /** Idempotency key of the command. */
  declare readonly key: string;

  constructor(className: string, originatorId: string, key: string) {
    super(
      `${className} '${originatorId}' was changed by a command that repeats the idempotency key '${key}'. The first command ` +
        'with this key is recorded, the changes of this object are not. Get the aggregate from the repository, and derive ' +
        "the ids of new aggregates from the key, as in nameId('order', key).",
      { originatorId, key },
    );
  }
}

/** An aggregate was used that was changed in a failed `attempt`: the state of the object is undone. */
export class AggregateUndoneError extends KahnError {
  override readonly code = 'AGGREGATE_UNDONE';
  declare readonly originatorId: string;

  constructor(className: string, originatorId: string) {
    super(
      `${className} '${originatorId}' was changed in an attempt that failed, so the changes of this object are undone. ` +
        'Get the aggregate again from the repository, or create it again if the attempt made it.',
      { originatorId },
    );
  }
}

/** `apply` triggered an event, or a command called `discard`. */
export class ApplyRuleError extends KahnError {
  override readonly code = 'APPLY_RULE';
}

/** A recorded event does not have the next version of its aggregate: the storage has lost or repeated an event. */
export class HistoryBrokenError extends KahnError {
  override readonly code = 'HISTORY_BROKEN';
  declare readonly originatorId: string;

  constructor(originatorId: string, version: number, eventVersion: number) {
    super(
      `Aggregate '${originatorId}' is at version ${version}, but its next recorded event has version ` +
        `${eventVersion}: the storage has lost or repeated an event. Restore it from a backup.`,
      { originatorId },
    );
  }
}
