import { KahnError } from '../util/errors.ts';

/** A storage could not do what it was asked to; `code` says what was in the way. */
export class StorageError extends KahnError {
  override readonly code: StorageErrorCode;
  readonly applicationName: string;
  /** Whether the same call may succeed a moment later, nothing else having changed. */
  readonly transient: boolean;

  constructor(
    code: StorageErrorCode,
    applicationName: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.applicationName = applicationName;
    this.transient = transientCodes.includes(code);
  }
}

export type StorageErrorCode =
  | 'STORAGE_BUSY'
  | 'STORAGE_CLOSED'
  | 'STORAGE_CORRUPT'
  | 'STORAGE_DENIED'
  | 'STORAGE_FAILED'
  | 'STORAGE_FOREIGN'
  | 'STORAGE_FULL'
  | 'STORAGE_MISSING'
  | 'STORAGE_NEWER'
  | 'STORAGE_NOT_SET_UP'
  | 'STORAGE_OLDER'
  | 'STORAGE_OUTCOME_UNKNOWN'
  | 'STORAGE_UNREACHABLE'
  | 'STORAGE_UNWRITABLE';

const transientCodes: readonly StorageErrorCode[] = [
  'STORAGE_BUSY',
  'STORAGE_OUTCOME_UNKNOWN',
  'STORAGE_UNREACHABLE',
];

/**
 * An event's version does not come next for its aggregate: mostly, somebody else has recorded one
 * meanwhile.
 */
export class RecordConflictError extends KahnError {
  override readonly code = 'RECORD_CONFLICT';
  readonly applicationName: string;
  readonly originatorId: string;
  /** The version that was to be recorded. */
  readonly attemptedVersion: number;
  /** The newest version on record. */
  readonly currentVersion: number;

  constructor(
    applicationName: string,
    originatorId: string,
    attemptedVersion: number,
    currentVersion: number,
  ) {
    const reason =
      attemptedVersion > currentVersion
        ? `it is at version ${currentVersion}, and this one comes twice or without the one before it`
        : `it is at version ${currentVersion} already, so get it again and repeat`;
    super(
      `Application '${applicationName}' cannot record version ${attemptedVersion} ` +
        `of aggregate '${originatorId}': ${reason}.`,
    );
    this.applicationName = applicationName;
    this.originatorId = originatorId;
    this.attemptedVersion = attemptedVersion;
    this.currentVersion = currentVersion;
  }
}

/**
 * A position upstream was moved by somebody else: another runner processes the same application and
 * pipeline.
 */
export class PositionConflictError extends KahnError {
  override readonly code = 'POSITION_CONFLICT';
  readonly applicationName: string;
  readonly upstreamName: string;
  readonly expected: number;
  readonly actual: number;

  constructor(applicationName: string, upstreamName: string, expected: number, actual: number) {
    super(
      `Application '${applicationName}' expected its position in '${upstreamName}' to be ${expected}, ` +
        `but it is ${actual}: another runner has moved it.`,
    );
    this.applicationName = applicationName;
    this.upstreamName = upstreamName;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A description of storage was made with an option that is unknown or has an impossible value. */
export class InvalidStorageError extends KahnError {
  override readonly code = 'INVALID_STORAGE';
}
