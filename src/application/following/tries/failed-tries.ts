import { performance } from 'node:perf_hooks';
import { AggregateDiscardedError } from '../../../domain/errors.ts';
import { RecordConflictError, StorageError } from '../../../storage/errors.ts';
import { retry } from '../../../util/retry.ts';
import { asOtherVersion, isOfLateRows, isTransientFailure } from '../../failures.ts';
import { type BlockingError, PolicyError } from '../../following-errors.ts';
import type { BoundedLock } from '../../recording/bounded-lock.ts';
import type { LostRaces } from './lost-races.ts';

/** Most tries of a batch while no writer makes progress. */
const maxTries = 10;
export const backoff = { firstMs: 2, maxMs: 100 };
/** A call that waited longer than this for its storage is not retried. */
const longestRetriedMs = 2_000;

/** A try of a batch that failed. */
export interface FailedTry {
  readonly error: unknown;
  /** Number of tries since the last progress. */
  readonly tries: number;
  /** Start of the try, by `performance.now()`. */
  readonly started: number;
  /** Write lock under which the try recorded. */
  readonly lock: BoundedLock | undefined;
}

/**
 * Returns an error after a try if the batch is left to another version, and undefined if the batch must be repeated.
 *
 * @throws the error of the try if another one makes no sense.
 */
export function leftAfter(
  { error, tries, started, lock }: FailedTry,
  races: LostRaces,
): BlockingError | undefined {
  const otherVersion = asOtherVersion(error);
  if (otherVersion !== undefined) return otherVersion;
  if (!isRepeatable(error) || isSpent(error, started)) throw error;
  const conflict = conflictIn(error);
  if (conflict !== undefined && lock?.hasExcluded) throw error; // it is no race
  if (conflict !== undefined && races.isOfUsedId(conflict)) throw error;
  const lost = conflict && races.lost(conflict);
  if (tries === maxTries) throw lost ?? error;
  return undefined;
}

/** Repeats work while its storage is busy. */
export async function patiently(work: () => Promise<void>): Promise<void> {
  let started = 0;
  const timed = () => {
    started = performance.now();
    return work();
  };
  const isTransient = (error: unknown) => isTransientFailure(error) && !isSpent(error, started);
  await retry(timed, { backoff, maxTries, isTransient });
}

/** Whether another try may succeed: storage is busy or unavailable, another writer was first, or rows were too late. */
function isRepeatable(error: unknown): boolean {
  return isTransientFailure(error) || conflictIn(error) !== undefined || isOfLateRows(error);
}

/** Returns the conflict on which a policy failed, if any: also with an aggregate that was made and discarded meanwhile. */
function conflictIn(error: unknown): RecordConflictError | undefined {
  const reason = error instanceof PolicyError ? error.cause : error;
  const cause = reason instanceof AggregateDiscardedError ? reason.cause : reason;
  return cause instanceof RecordConflictError ? cause : undefined;
}

/** Whether further tries at once make no sense: the trouble is no short one, or the storage has waited long already. */
function isSpent(error: unknown, started: number): boolean {
  const cause = error instanceof PolicyError ? error.cause : error;
  if (!(cause instanceof StorageError)) return false;
  return cause.code !== 'STORAGE_BUSY' || performance.now() - started > longestRetriedMs;
}
