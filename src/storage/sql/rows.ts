import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { dependenciesOf } from './dependency-column.ts';

/** A row of a table as an array of its columns. */
export type Row = readonly (string | number | null)[];

/** Columns: notificationId, originatorId, originatorVersion, type, data, timestamp, dependencies. */
export function toNotification(row: Row): StoredNotification {
  const [id, originatorId, originatorVersion, type, data, timestamp, dependencies] = row;
  const notification = { id, originatorId, originatorVersion, type, data, timestamp } as StoredNotification;
  if (typeof dependencies !== 'string') return notification;
  return { ...notification, dependencies: dependenciesOf(dependencies) };
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
