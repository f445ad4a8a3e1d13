import { inspect } from 'node:util';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { memoryBounds } from '../memory-bounds.ts';
import type { NotificationLog } from './notification-log.ts';

/**
 * A place in the log of an application: `'start'`, `'end'`, or a time, as a `Date` or as ISO text such as `'2026-11-01'`
 * or `'2026-11-01T08:30:00Z'`. A time is the place before the first event that was made at that time or later.
 */
export type PlaceInLog = Date | string;

/** Description of the values of {@link PlaceInLog}, for messages. */
export const placeText =
  "'start', 'end', a Date, or a time as ISO text such as '2026-11-01' or '2026-11-01T08:30:00Z'";

const isoTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Returns whether a value is a place in a log. */
export function isPlaceInLog(value: unknown): value is PlaceInLog {
  return value === 'start' || value === 'end' || !Number.isNaN(timeOf(value));
}

/** Returns a place as text, for the record. */
export function textOfPlace(place: PlaceInLog): string {
  return typeof place === 'string' ? place : place.toISOString();
}

/** Number of notifications that a search for a time reads at once. */
const pageSize = 1_000;

/** The part of a notification log that a search for a place reads. */
type SearchedLog = Pick<NotificationLog, 'select' | 'head'>;

/**
 * Finds the last notification before a place; undefined at the start of the log. For a time, reads the log from its start,
 * page by page: times of events need not ascend, so the first event of a time is found in no other way.
 */
export async function lastBefore(
  place: PlaceInLog,
  log: SearchedLog,
): Promise<StoredNotification | undefined> {
  if (place === 'start') return undefined;
  if (place !== 'end') return lastBeforeTime(timeOf(place), log);
  const head = await log.head();
  return head === 0 ? undefined : (await log.select(head - 1, 1))[0];
}

async function lastBeforeTime(time: number, log: SearchedLog): Promise<StoredNotification | undefined> {
  let last: StoredNotification | undefined;
  for (;;) {
    const page = await log.select(last?.id ?? 0, pageSize, memoryBounds.page);
    if (page.length === 0) return last;
    const first = page.findIndex(({ timestamp }) => timestamp >= time);
    if (first >= 0) return first === 0 ? last : page[first - 1];
    last = page.at(-1);
  }
}

/** Returns a time in ms since 1970; NaN if the value is no time. */
function timeOf(value: unknown): number {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'string' && isoTime.test(value) ? Date.parse(value) : Number.NaN;
}

/** Returns a value that is no place, for messages. */
export function shownPlace(value: unknown): string {
  return value instanceof Date ? 'an invalid Date' : inspect(value);
}
