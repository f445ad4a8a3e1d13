import { KahnError, messageOf } from '../../util/errors.ts';
import type { StorageErrorCode } from '../errors.ts';
import { type StorageLocation, storageError } from '../storage-location.ts';

/** Rules by which an adapter explains the errors of its driver. */
export interface DriverErrorRules {
  codeOf(error: unknown): StorageErrorCode;
  /** Reason and remedy by code. */
  readonly advice: Readonly<Partial<Record<StorageErrorCode, string>>>;
}

/** Turns an error of a driver into a StorageError with advice; returns errors of kahn as they are. */
export function explainDriverError(
  error: unknown,
  location: StorageLocation,
  { codeOf, advice }: DriverErrorRules,
): KahnError {
  if (error instanceof KahnError) return error;
  const code = codeOf(error);
  const reason = advice[code] ?? 'storage failed; see `cause`.';
  const detail = messageOf(error) || (error as { code?: string }).code;
  return storageError(code, location, `${reason} (${detail})`, { cause: error });
}
