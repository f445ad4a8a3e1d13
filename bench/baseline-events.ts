import { randomUUID } from 'node:crypto';
import type { StoredEvent, StoredNotification } from 'kahn';

/** What the bound makes of commands and notifications, whatever it stores it in. */

export function orderCreated(customer: string): StoredEvent {
  return created('Order.Created', { customer });
}

/** Something new for the order that the cause is about. */
export function madeFor(cause: StoredNotification, type: string): StoredEvent {
  return created(type, { orderId: cause.originatorId });
}

/** The order that something was made for. */
export function orderOf(cause: StoredNotification): string {
  return (JSON.parse(cause.data) as { orderId: string }).orderId;
}

/** Notes on an order, whose version is known, what was made for it. */
export function noted(
  orderId: string,
  version: number,
  cause: StoredNotification,
  type: string,
  key: string,
): StoredEvent {
  if (version === 0) throw new Error(`There is no order ${orderId}.`);
  const data = JSON.stringify({ [key]: cause.originatorId });
  return { originatorId: orderId, originatorVersion: version + 1, type, data, timestamp: Date.now() };
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

/** A UUIDv7 the quick way: 48 bits of time, the same for many in a row, before an id of Node's own random pool. */
function timeOrderedId(now: number): string {
  if (now !== prefixMs) {
    const time = now.toString(16).padStart(12, '0');
    prefixMs = now;
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  }
  return prefix + randomUUID().slice(15);
}
