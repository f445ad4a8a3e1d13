import { KahnError, messageOf } from '../../util/errors.ts';
import type { StorageErrorCode } from '../errors.ts';
import { type StorageLocation, storageError } from '../storage-location.ts';

/** What the call did that failed. */
export type Activity = 'opening' | 'reading' | 'recording';

/** Texts by which an adapter explains the errors of its driver. */
export interface DriverErrorTexts {
  codeOf(error: unknown): StorageErrorCode;
  /** Reason and remedy by code. */
  readonly advice: Readonly<Record<Exclude<StorageErrorCode, OwnCode>, string>>;
}

/** Codes of errors that are not made of an error of a driver. */
type OwnCode =
  | 'STORAGE_KEY_MISSING'
  | 'STORAGE_NEWER'
  | 'STORAGE_OLDER'
  | 'STORAGE_OUTCOME_UNKNOWN'
  | 'STORAGE_TAMPERED';

/**
 * Turns an error of a driver into a StorageError with advice; returns errors of kahn as they are. The error of a call
 * that was recording says that nothing is recorded.
 */
export function explainDriverError(
  error: unknown,
  location: StorageLocation,
  activity: Activity,
  { codeOf, advice }: DriverErrorTexts,
): KahnError {
  if (error instanceof KahnError) return error;
  const code = codeOf(error);
  const reason = (advice as Partial<Record<StorageErrorCode, string>>)[code] ?? '';
  const next = code === 'STORAGE_REFUSED' ? '.' : ': repeat it afterwards.';
  const outcome = activity === 'recording' ? ` Nothing of this call is recorded${next}` : '';
  const detail = messageOf(error) || (error as { code?: string }).code;
  return storageError(code, location, `${reason}${outcome} (${detail})`, { cause: error });
}
