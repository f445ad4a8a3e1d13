import type { Cause } from '../../domain/provenance.ts';
import type { TypeCounts } from '../recorder.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { causeOf } from './cause-columns.ts';
import { correlationIdOf } from './correlation-column.ts';
import { DamagedColumn, damagedNotification, type LogLocation } from './damage.ts';
import { dependenciesOf } from './dependency-column.ts';

/** A row of a table as an array of its columns. */
export type Row = readonly (string | number | null)[];

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Columns: notificationId, originatorId, originatorVersion, type, data, timestamp, dependencies, causeName,
 * causePipelineId, causeId, correlationId in hexadecimal digits, metadata.
 *
 * @throws {@link StorageError} STORAGE_CORRUPT if an optional column cannot be decoded.
 */
export function toNotification(row: Row, log: LogLocation): StoredNotification {
  const [id, originatorId, originatorVersion, type, data, timestamp] = row;
  const notification = { id, originatorId, originatorVersion, type, data, timestamp } as StoredNotification;
  try {
    return withOptionalFields(notification, row, log.pipelineId);
  } catch (error) {
    throw damagedNotification(error, log, id);
  }
}

/**
 * Returns the causes of up to `limit` notifications after an id, each at the index of its notification even where rows
 * are missing. Columns: notificationId, causeName, causePipelineId, causeId.
 *
 * @throws {@link StorageError} STORAGE_CORRUPT if the columns contradict each other.
 */
export function toCauses(
  rows: readonly Row[],
  { after, limit }: { readonly after: number; readonly limit: number },
  log: LogLocation,
): readonly (Cause | undefined)[] {
  const last = Number(rows.at(-1)?.[0] ?? after);
  const causes = new Array<Cause | undefined>(Math.min(last - after, limit)).fill(undefined);
  for (const [id, name, pipelineId, causeId] of rows) {
    const index = Number(id) - after - 1;
    if (index >= causes.length) break; // behind a gap
    try {
      causes[index] = causeOf(name, pipelineId, causeId, log.pipelineId);
    } catch (error) {
      throw damagedNotification(error, log, id);
    }
  }
  return causes;
}

/** Columns of each row: type, number of events, last notificationId. */
export function toTypeCounts(rows: readonly Row[]): TypeCounts {
  const counts = new Map(rows.map(([type, count]) => [String(type), Number(count)]));
  const last = rows.length === 0 ? undefined : Math.max(...rows.map(([, , id]) => Number(id)));
  return { counts, last };
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

function withOptionalFields(
  notification: Writable<StoredNotification>,
  row: Row,
  pipelineId: number,
): StoredNotification {
  const [, , , , , , dependencies, causeName, causePipelineId, causeId, correlationId, metadata] = row;
  const cause = causeOf(causeName, causePipelineId, causeId, pipelineId);
  if (dependencies !== null) notification.dependencies = dependenciesOf(dependencies);
  if (cause !== undefined) notification.cause = cause;
  if (correlationId !== null) notification.correlationId = correlationIdOf(correlationId);
  if (metadata !== null) notification.metadata = textOf(metadata, 'metadata');
  return notification;
}

function textOf(value: unknown, column: string): string {
  if (typeof value !== 'string') throw new DamagedColumn(column, value);
  return value;
}
