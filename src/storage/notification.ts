import type { StoredEvent, StoredNotification } from './stored-event.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Returns a recorded event with its id, as a new object. All have their fields in one order, which engines like. */
export function notificationOf(event: StoredEvent, id: number): Writable<StoredNotification> {
  const { originatorId, originatorVersion, type, data, timestamp } = event;
  const { dependencies, cause, correlationId, metadata } = event;
  const notification: Writable<StoredNotification> = {
    id,
    originatorId,
    originatorVersion,
    type,
    data,
    timestamp,
  };
  if (dependencies !== undefined) notification.dependencies = dependencies;
  if (cause !== undefined) notification.cause = cause;
  if (correlationId !== undefined) notification.correlationId = correlationId;
  if (metadata !== undefined) notification.metadata = metadata;
  return notification;
}
