import { randomUUID } from 'node:crypto';
import type { StoredEvent, StoredNotification } from 'kahn';

/** Events of the baseline, the same for every storage. */

export function orderCreated(customer: string): StoredEvent {
  return { ...created('Order.Created', { customer }), correlationId: randomUUID() };
}

/** An order that a notification of an upstream has caused. */
export function orderCausedBy(upstreamName: string, notificationId: number, customer: string): StoredEvent {
  return {
    ...orderCreated(customer),
    cause: { applicationName: upstreamName, pipelineId: 0, notificationId },
  };
}

/** A new aggregate for the order that the cause is about. */
export function createdFor(upstreamName: string, cause: StoredNotification, type: string): StoredEvent {
  return { ...created(type, { orderId: cause.originatorId }), ...provenanceOf(upstreamName, cause) };
}

/** Id of the order that the cause belongs to. */
export function orderIdOf(cause: StoredNotification): string {
  return (JSON.parse(cause.data) as { orderId: string }).orderId;
}

/** The next event of an order, which refers to the aggregate that the cause has created. */
export function referringTo(
  orderId: string,
  version: number,
  upstreamName: string,
  cause: StoredNotification,
  type: string,
  key: string,
): StoredEvent {
  if (version === 0) throw new Error(`There is no order ${orderId}.`);
  const data = JSON.stringify({ [key]: cause.originatorId });
  const event = { originatorId: orderId, originatorVersion: version + 1, type, data, timestamp: Date.now() };
  return { ...event, ...provenanceOf(upstreamName, cause) };
}

function provenanceOf(upstreamName: string, { id, correlationId }: StoredNotification): Partial<StoredEvent> {
  const cause = { applicationName: upstreamName, pipelineId: 0, notificationId: id };
  return correlationId === undefined ? { cause } : { cause, correlationId };
}

function created(type: string, data: object): StoredEvent {
  const timestamp = Date.now();
  return {
    originatorId: timeOrderedId(timestamp),
    originatorVersion: 1,
    type,
    data: JSON.stringify(data),
    timestamp,
  };
}

let prefixMs = -1;
let prefix = '';

/** A fast UUIDv7: 48 bits of time, formatted once per millisecond, and the rest of a UUID of Node's random pool. */
function timeOrderedId(now: number): string {
  if (now !== prefixMs) {
    const time = now.toString(16).padStart(12, '0');
    prefixMs = now;
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  }
  return prefix + randomUUID().slice(15);
}
