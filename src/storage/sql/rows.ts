import type { Cause } from '../../domain/provenance.ts';
import { messageOf } from '../../util/errors.ts';
import type { StorageError } from '../errors.ts';
import { type StorageLocation, storageError } from '../storage-location.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { dependenciesOf } from './dependency-column.ts';
import { causeOf, correlationIdOf } from './provenance-columns.ts';

/** A row of a table as an array of its columns. */
export type Row = readonly (string | number | Uint8Array | null)[];

/**
 * Columns: notificationId, originatorId, originatorVersion, type, data, timestamp, dependencies, the three columns of the
 * cause, correlationId, metadata.
 *
 * @throws {@link StorageError} STORAGE_CORRUPT if a column is damaged.
 */
export function toNotification(row: Row, pipelineId: number, location: StorageLocation): StoredNotification {
  const [id, originatorId, originatorVersion, type, data, timestamp, dependencies] = row;
  const [, , , , , , , causeName, causePipelineId, causeId, correlationId, metadata] = row;
  const found = {
    id,
    originatorId,
    originatorVersion,
    type,
    data,
    timestamp,
  } as Writable<StoredNotification>;
  try {
    if (typeof dependencies === 'string') found.dependencies = dependenciesOf(dependencies);
    const cause = causeOf([causeName, causePipelineId, causeId], pipelineId);
    if (cause !== undefined) found.cause = cause;
    if (isBytes(correlationId)) found.correlationId = correlationIdOf(correlationId);
    if (typeof metadata === 'string') found.metadata = metadata;
    return found;
  } catch (error) {
    throw damagedNotification(found.id, pipelineId, location, error);
  }
}

/**
 * Columns: notificationId, the three columns of the cause.
 *
 * @throws {@link StorageError} STORAGE_CORRUPT if a column is damaged.
 */
export function toCause(
  [id, ...columns]: Row,
  pipelineId: number,
  location: StorageLocation,
): Cause | undefined {
  try {
    return causeOf(columns, pipelineId);
  } catch (error) {
    throw damagedNotification(Number(id), pipelineId, location, error);
  }
}

/** Whether a value is bytes or their hexadecimal digits. */
function isBytes(value: Row[number] | undefined): value is Uint8Array | string {
  return typeof value === 'string' || value instanceof Uint8Array;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function damagedNotification(
  id: number,
  pipelineId: number,
  location: StorageLocation,
  cause: unknown,
): StorageError {
  const reason = `notification ${id} of pipeline ${pipelineId} is damaged: ${messageOf(cause)}.`;
  return storageError('STORAGE_CORRUPT', location, `${reason} Restore it from a backup.`, { cause });
}

/** Columns: originatorVersion, type, data, timestamp. */
export function toEvent(originatorId: string, [originatorVersion, type, data, timestamp]: Row): StoredEvent {
  return { originatorId, originatorVersion, type, data, timestamp } as StoredEvent;
}

/** Columns: originatorVersion, schema, state. */
export function toSnapshot(originatorId: string, [originatorVersion, schema, state]: Row): StoredSnapshot {
  return { originatorId, originatorVersion, schema, state } as StoredSnapshot;
}

/** Columns: pipelineId, notificationId. A missing row, or one of nulls, stands for no event. */
export function toPlace([pipelineId, notificationId]: Row = []): LogPlace | undefined {
  if (typeof pipelineId !== 'number') return undefined;
  return { pipelineId, notificationId: Number(notificationId) };
}
