import type { StoredEvent, StoredNotification } from '../stored-event.ts';
import { dependenciesOf } from './dependency-column.ts';

/** A row of a database as an array of its columns. */
type Row = readonly (string | number | null)[];

/** Columns: notificationId, originatorId, originatorVersion, type, data, timestamp, dependencies. */
export function toNotification([
  id,
  originatorId,
  originatorVersion,
  type,
  data,
  timestamp,
  dependencies,
]: Row): StoredNotification {
  const notification = { id, originatorId, originatorVersion, type, data, timestamp } as StoredNotification;
  if (typeof dependencies !== 'string') return notification;
  return { ...notification, dependencies: dependenciesOf(dependencies) };
}

/** Columns: originatorVersion, type, data, timestamp. */
export function toEvent(originatorId: string, [originatorVersion, type, data, timestamp]: Row): StoredEvent {
  return { originatorId, originatorVersion, type, data, timestamp } as StoredEvent;
}
