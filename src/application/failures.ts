import { NotDecodableError } from '../storage/codec/errors.ts';
import {
  isTransient,
  ParkedConflictError,
  PositionConflictError,
  RecordConflictError,
  RowsError,
  StorageError,
} from '../storage/errors.ts';
import { isError } from '../util/errors.ts';
import { UnknownEventError } from './errors.ts';
import {
  isBlocking,
  OtherVersionError,
  type OtherVersionReason,
  PolicyError,
  RacesLostError,
} from './following-errors.ts';

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
    error instanceof ParkedConflictError ||
    isBlocking(error)
  );
}

/** Whether a batch failed because its rows were not recorded in time, as on a machine that stood still. */
export function isOfLateRows(error: unknown): boolean {
  return chainOf(error).some((cause) => cause instanceof RowsError && cause.code === 'ROWS_TIMED_OUT');
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
