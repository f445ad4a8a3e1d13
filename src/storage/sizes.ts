import type { History } from './recorder.ts';
import type { StoredEvent } from './stored-event.ts';

/** Most bytes of UTF-8 for one unit of UTF-16. */
export const bytesPerUnit = 3;

/** Characters of text that an event holds. */
export function sizeOfEvent({ data, metadata }: Pick<StoredEvent, 'data' | 'metadata'>): number {
  return metadata === undefined ? data.length : data.length + metadata.length;
}

/** Returns the first events, up to the event by which their size reaches `maxSize`. */
export function upToSize<E extends Pick<StoredEvent, 'data' | 'metadata'>>(
  events: E[],
  maxSize: number,
): E[] {
  if (maxSize === Infinity) return events;
  let size = 0;
  const end = events.findIndex((event) => {
    size += sizeOfEvent(event);
    return size >= maxSize;
  });
  return end < 0 ? events : events.slice(0, end + 1);
}

/** Reads histories one by one, up to the one by which their size reaches `maxSize`. */
export function historiesUpToSize<R>(
  requests: readonly R[],
  read: (request: R) => History,
  maxSize: number = Infinity,
): History[] {
  const histories: History[] = [];
  let size = 0;
  for (const request of requests) {
    const history = read(request);
    histories.push(history);
    size += sizeOfHistory(history);
    if (size >= maxSize) break;
  }
  return histories;
}

/** Characters of text that a history holds, without metadata. */
export function sizeOfHistory({ snapshot, events }: History): number {
  let size = snapshot?.state.length ?? 0;
  for (const { data } of events) size += data.length;
  return size;
}

/** Whether a read with `maxSize` may have ended because of the size, which storage may count in bytes of UTF-8. */
export function mayReachSize(
  events: readonly Pick<StoredEvent, 'data' | 'metadata'>[],
  maxSize: number,
): boolean {
  let size = 0;
  for (const event of events) size += sizeOfEvent(event);
  return size * bytesPerUnit >= maxSize;
}
