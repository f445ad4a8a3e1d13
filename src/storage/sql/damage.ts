import { type StorageLocation, storageError } from '../storage-location.ts';

/** The log of one pipeline of an application, as error messages name it. */
export interface LogLocation {
  readonly storage: StorageLocation;
  readonly pipelineId: number;
}

/** A column has a value that no release of kahn writes. */
export class DamagedColumn extends Error {
  constructor(column: string, value: unknown, options?: { cause?: unknown }) {
    super(`\`${column}\` is ${shown(value)}`, options);
  }
}

/** Turns a DamagedColumn into a StorageError that names the notification; returns other errors as they are. */
export function damagedNotification(
  error: unknown,
  { storage, pipelineId }: LogLocation,
  id: unknown,
): unknown {
  if (!(error instanceof DamagedColumn)) return error;
  const reason = `notification ${id} of pipeline ${pipelineId} is damaged: ${error.message}. Restore it from a backup.`;
  return storageError('STORAGE_CORRUPT', storage, reason, { cause: error });
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${shortened(value)}'` : String(value);
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
