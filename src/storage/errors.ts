import { KahnError } from '../util/errors.ts';
import type { ParkedChange } from './parked.ts';

/** Storage failed; `code` says why. */
export class StorageError extends KahnError {
  override readonly code: StorageErrorCode;
  declare readonly applicationName: string;
  /** Whether the same call may succeed later: true unless the store is proven damaged or foreign, or refuses the data. */
  declare readonly transient: boolean;

  constructor(
    code: StorageErrorCode,
    applicationName: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, { ...options, applicationName, transient: !finalCodes.includes(code) });
    this.code = code;
  }
}

/** Reason of a {@link StorageError}. */
export type StorageErrorCode =
  | 'STORAGE_BUSY'
  | 'STORAGE_CLOSED'
  | 'STORAGE_CORRUPT'
  | 'STORAGE_DENIED'
  | 'STORAGE_FAILED'
  | 'STORAGE_FOREIGN'
  | 'STORAGE_FULL'
  | 'STORAGE_KEY_MISSING'
  | 'STORAGE_MISSING'
  | 'STORAGE_NEWER'
  | 'STORAGE_NOT_SET_UP'
  | 'STORAGE_OLDER'
  | 'STORAGE_OUTCOME_UNKNOWN'
  | 'STORAGE_REFUSED'
  | 'STORAGE_TAMPERED'
  | 'STORAGE_UNREACHABLE'
  | 'STORAGE_UNWRITABLE';

/** Codes of failures that do not pass by themselves. Every other failure is retried: it is not proven to be final. */
const finalCodes: readonly StorageErrorCode[] = [
  'STORAGE_CLOSED',
  'STORAGE_CORRUPT',
  'STORAGE_FOREIGN',
  'STORAGE_NEWER',
  'STORAGE_REFUSED',
  'STORAGE_TAMPERED',
];

/** Returns whether an error is a StorageError after which the same call may succeed later. */
export function isTransient(error: unknown): boolean {
  return error instanceof StorageError && error.transient;
}

/** Returns whether a storage refused the data of a call, which is refused again however often it is repeated. */
export function isRefusal(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'STORAGE_REFUSED';
}

/** Failures that may be due to what a call records, so that another call may succeed at the same time. */
const codesOfContents: readonly string[] = [
  'STORAGE_DENIED',
  'STORAGE_FAILED',
  'STORAGE_FULL',
  'STORAGE_REFUSED',
] satisfies StorageErrorCode[];

/**
 * Returns whether a failed call may have failed because of part of what it was to record: nothing of it is recorded, and
 * the other parts may be recorded on their own.
 */
export function mayConcernPart(error: unknown): boolean {
  if (error instanceof StorageError) return codesOfContents.includes(error.code);
  return !(error instanceof PositionConflictError);
}

/** The version of an event is not the next version of its aggregate, usually because of a concurrent save. */
export class RecordConflictError extends KahnError {
  override readonly code = 'RECORD_CONFLICT';
  declare readonly applicationName: string;
  declare readonly originatorId: string;
  /** Version of the event that was not recorded. */
  declare readonly attemptedVersion: number;
  /** Newest recorded version; 0 if there is none. */
  declare readonly currentVersion: number;

  constructor(
    applicationName: string,
    originatorId: string,
    attemptedVersion: number,
    currentVersion: number,
  ) {
    const reason = conflictReason(attemptedVersion, currentVersion);
    super(
      `Application '${applicationName}' cannot record version ${attemptedVersion} ` +
        `of aggregate '${originatorId}': ${reason}.`,
      { applicationName, originatorId, attemptedVersion, currentVersion },
    );
  }
}

function conflictReason(attemptedVersion: number, currentVersion: number): string {
  if (attemptedVersion === 1 && currentVersion === 0) {
    return 'two saves, or two aggregates of one save, create it at the same time. Get that aggregate, or choose another id';
  }
  if (attemptedVersion === currentVersion + 1) {
    return 'two saves, or two aggregates of one save, record it at the same time. Get the aggregate again and repeat the change';
  }
  if (attemptedVersion > currentVersion) {
    return `it is at version ${currentVersion}, so a version is missing`;
  }
  if (attemptedVersion === 1) {
    return `an aggregate with this id is at version ${currentVersion} already. Get that aggregate, or choose another id`;
  }
  return `it is at version ${currentVersion} already. Get the aggregate again and repeat the change`;
}

/** What a call compares before it moves a position or records handled types. */
export interface PositionState {
  readonly position: number;
  /** Version of the handled types. @default 0 */
  readonly typesVersion?: number;
}

/** Another runner of the same application and pipeline has moved a position, or recorded other handled types. */
export class PositionConflictError extends KahnError {
  override readonly code = 'POSITION_CONFLICT';
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  declare readonly expected: number;
  declare readonly actual: number;
  /** Version of the handled types that was expected. */
  declare readonly expectedTypesVersion: number;
  /** Recorded version of the handled types. */
  declare readonly actualTypesVersion: number;

  constructor(applicationName: string, upstreamName: string, expected: PositionState, actual: PositionState) {
    const { position, typesVersion: expectedTypesVersion = 0 } = expected;
    const { typesVersion: actualTypesVersion = 0 } = actual;
    super(
      position === actual.position
        ? `Application '${applicationName}' expected version ${expectedTypesVersion} of the event types of ` +
            `'${upstreamName}' that it handles, but version ${actualTypesVersion} is recorded: another runner has ` +
            'recorded them. Read the position again.'
        : `Application '${applicationName}' expected its position in '${upstreamName}' to be ${position}, ` +
            `but it is ${actual.position}: another runner has moved it. Continue from there.`,
      {
        applicationName,
        upstreamName,
        expected: position,
        actual: actual.position,
        expectedTypesVersion,
        actualTypesVersion,
      },
    );
  }
}

/** A value does not describe storage, or the storage cannot be opened in this thread or process. */
export class InvalidStorageError extends KahnError {
  override readonly code = 'INVALID_STORAGE';
}

/** Reason of a {@link RowsError}. */
export type RowsErrorCode =
  /** A statement would end the transaction, or change the connection for others. It was not executed. */
  | 'ROWS_REFUSED'
  /** The handle was used after its transaction. */
  | 'ROWS_ENDED'
  /** A statement failed and ended the transaction, so that nothing of the batch is recorded. */
  | 'ROWS_ROLLED_BACK'
  /** The batch took too long, so that its transaction was rolled back. Nothing of the batch is recorded. */
  | 'ROWS_TIMED_OUT';

/** Rows cannot be recorded with the events of a policy; `code` says why. */
export class RowsError extends KahnError {
  override readonly code: RowsErrorCode;
  declare readonly applicationName: string;

  constructor(
    code: RowsErrorCode,
    applicationName: string,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, { ...options, applicationName });
    this.code = code;
  }
}

/** Creates a RowsError that gives a reason. */
export function rowsError(code: RowsErrorCode, applicationName: string, reason: string): RowsError {
  return new RowsError(code, applicationName, `Rows of application '${applicationName}': ${reason}.`);
}

/** Creates the error for a handle that is used, or asked for, after its transaction. */
export function rowsEnded(applicationName: string): RowsError {
  const reason =
    'a handle was used after its transaction. Ask for a handle in each handler and for each reading, and await all that uses it';
  return rowsError('ROWS_ENDED', applicationName, reason);
}

/** A notification was parked, changed or processed by another writer meanwhile. Nothing of the call is recorded. */
export class ParkedConflictError extends KahnError {
  override readonly code = 'PARKED_CONFLICT';
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  declare readonly notificationId: number;
  /** Expected number of changes; 0 for a notification that was not parked. */
  declare readonly expected: number;

  constructor(
    applicationName: string,
    {
      upstreamName,
      notificationId,
      expected,
    }: Pick<ParkedChange, 'upstreamName' | 'notificationId' | 'expected'>,
  ) {
    super(
      `Application '${applicationName}' cannot change parked notification ${notificationId} of '${upstreamName}': another ` +
        'writer was first. Read the parked notifications again.',
      { applicationName, upstreamName, notificationId, expected },
    );
  }
}

/** The idempotency key of a command is recorded, or occurs twice in a call. Nothing of the call is recorded. */
export class KeyConflictError extends KahnError {
  override readonly code = 'KEY_CONFLICT';
  declare readonly applicationName: string;
  /** Idempotency key of the command that was not recorded. */
  declare readonly key: string;

  constructor(applicationName: string, key: string) {
    super(
      `Application '${applicationName}' cannot record a command with the idempotency key '${key}': the key is recorded ` +
        'already, or occurs twice in the call. Read the command with the key for its outcome.',
      { applicationName, key },
    );
  }
}
