import type { ParkedChange, ParkedContent, ParkedNotification } from '../../storage/parked.ts';
import type { ProcessEvent, StoredOperation } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import type { EventStore, PreparedEvents } from '../recording/event-store.ts';
import { retriedOperation } from './retried-operation.ts';

/** Notifications that are processed together, and what is parked or was parked among them. */
export interface Batch {
  readonly notifications: readonly StoredNotification[];
  /** Notifications that are parked instead of processed; undefined for one that is parked already. */
  readonly parked: ReadonlyMap<number, ParkedContent | undefined>;
  /** The parked notification that is retried, if the batch is one. */
  readonly retried?: ParkedNotification;
}

/** Shared by all batches in which nothing is parked. */
export const noneParked: Batch['parked'] = new Map();

/** Returns the notifications of a batch that the policy handles. */
export function unparkedIn({ notifications, parked }: Batch): readonly StoredNotification[] {
  return parked.size === 0 ? notifications : notifications.filter(({ id }) => !parked.has(id));
}

/** Adds what is parked in a batch up to a notification, or what is no longer parked, to the events that are recorded. */
export async function withParkedChanges(
  prepared: PreparedEvents,
  { parked, retried }: Batch,
  last: StoredNotification,
  upstreamName: string,
  store: EventStore,
): Promise<PreparedEvents> {
  const { processEvent } = prepared;
  if (retried !== undefined) {
    const operation = await retriedOperation(store, retried, prepared.logged.length);
    const { notificationId, revision: expected } = retried;
    const change = { upstreamName, notificationId, expected, content: undefined };
    return withChanges(prepared, { ...processEvent, parked: [change], operation });
  }
  const changes: ParkedChange[] = [];
  for (const [notificationId, content] of parked) {
    if (content !== undefined && notificationId <= last.id)
      changes.push({ upstreamName, notificationId, expected: 0, content });
  }
  return changes.length === 0 ? prepared : withChanges(prepared, { ...processEvent, parked: changes });
}

function withChanges(
  prepared: PreparedEvents,
  processEvent: ProcessEvent & { readonly operation?: StoredOperation },
): PreparedEvents {
  return { ...prepared, processEvent };
}

/** Returns what is parked among some notifications. */
export function parkedIn(
  notifications: readonly StoredNotification[],
  parked: Batch['parked'],
): Batch['parked'] {
  if (parked.size === 0) return parked;
  return new Map(notifications.flatMap(({ id }) => (parked.has(id) ? [[id, parked.get(id)] as const] : [])));
}
