import type { RecordedOperation, RecordedPosition } from '../recorder.ts';
import { type StorageLocation, storageError } from '../storage-location.ts';
import { DamagedColumn } from './damage.ts';
import type { Row } from './rows.ts';

/**
 * Columns: pipelineId, upstreamName, position, mark, handledTypes, typesVersion.
 *
 * @throws {@link StorageError} STORAGE_CORRUPT if the handled types cannot be decoded.
 */
export function toPosition(row: Row, storage: StorageLocation): RecordedPosition {
  const [pipelineId, upstreamName, position, mark, types, typesVersion] = row;
  return {
    pipelineId: Number(pipelineId),
    upstreamName: String(upstreamName),
    position: Number(position),
    ...(typeof mark === 'string' && { mark }),
    ...(typeof types === 'string' && { handledTypes: handledTypesIn(types, row, storage) }),
    typesVersion: Number(typesVersion),
  };
}

/** Columns: id, timestamp, kind, by, reason, details. */
export function toOperation([id, timestamp, kind, by, reason, details]: Row): RecordedOperation {
  return { id: Number(id), timestamp: Number(timestamp), kind, by, reason, details } as RecordedOperation;
}

/** Returns the column `handled_types`: a JSON array. */
export function typesText(types: readonly string[]): string {
  return JSON.stringify(types);
}

function handledTypesIn(
  text: string,
  [pipelineId, upstreamName]: Row,
  storage: StorageLocation,
): readonly string[] {
  try {
    const types: unknown = JSON.parse(text);
    if (Array.isArray(types) && types.every((type) => typeof type === 'string')) return types;
  } catch {
    // The error below names the text.
  }
  const cause = new DamagedColumn('handled_types', text);
  const reason = `the position in '${upstreamName}' of pipeline ${pipelineId} is damaged: ${cause.message}. Restore it from a backup.`;
  throw storageError('STORAGE_CORRUPT', storage, reason, { cause });
}
