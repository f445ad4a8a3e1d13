import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RecentNotifications } from '../../../src/application/log/recent-notifications.ts';
import { memoryBounds } from '../../../src/application/memory-bounds.ts';
import type { StoredEvent, StoredNotification } from '../../../src/storage/stored-event.ts';

let now = 0;

beforeEach(() => {
  now = 1_000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});

afterEach(() => {
  vi.restoreAllMocks();
});

function stored(name: string, data: string = '{}'): StoredEvent {
  return { originatorId: name, originatorVersion: 1, type: 'Note.Made', data, timestamp: 1 };
}

function notification(id: number, name: string = `${id}`): StoredNotification {
  return { id, ...stored(name) };
}

/** Returns what a follower has asked for before. */
function followed(): RecentNotifications {
  const recent = new RecentNotifications();
  recent.after(notification(1), 1);
  return recent;
}

/** Adds a commit of events that are named after their ids. */
function add(recent: RecentNotifications, first: number, count: number, data?: string): void {
  const events = Array.from({ length: count }, (_, i) => stored(`${first + i}`, data));
  recent.add(first, events, []);
}

function idsAfter(recent: RecentNotifications, id: number, limit: number = 10_000): number[] {
  return recent.after(notification(id), limit).map((one) => one.id);
}

test('nothing is kept before a follower asks', () => {
  const recent = new RecentNotifications();
  add(recent, 1, 3);
  expect(idsAfter(recent, 1)).toEqual([]);
  add(recent, 4, 3);
  expect(idsAfter(recent, 4)).toEqual([5, 6]);
});

test('commits without a gap continue each other', () => {
  const recent = followed();
  add(recent, 7, 2);
  add(recent, 9, 3);
  recent.add(12, [], []);
  expect(idsAfter(recent, 7)).toEqual([8, 9, 10, 11]);
  expect(idsAfter(recent, 8, 2)).toEqual([9, 10]);
  expect(idsAfter(recent, 11)).toEqual([]);
  expect(recent.after(notification(7), 1)).toEqual([notification(8)]);
});

test.each([
  { name: 'another writer has recorded in between', first: 11, count: 2, kept: [12] },
  { name: 'the log was restored from an older copy', first: 3, count: 2, kept: [4] },
  { name: 'a commit without events finds a longer log', first: 15, count: 0, kept: [] },
  { name: 'a commit without events finds a shorter log', first: 9, count: 0, kept: [] },
])('earlier commits are dropped after $name', ({ first, count, kept }) => {
  const recent = followed();
  add(recent, 5, 5);
  add(recent, first, count);
  for (let id = 1; id < first; id += 1) expect(idsAfter(recent, id)).toEqual([]);
  expect(idsAfter(recent, first)).toEqual(kept);
});

test('earlier commits are dropped after a pause in which the log may have been replaced', () => {
  const recent = followed();
  add(recent, 1, 2);
  now += 200;
  add(recent, 3, 2);
  expect(idsAfter(recent, 1)).toEqual([2, 3, 4]);
  now += 201;
  add(recent, 5, 2);
  expect(idsAfter(recent, 4)).toEqual([]);
  expect(idsAfter(recent, 5)).toEqual([6]);
});

test('a follower that has processed another notification at its position reads the log', () => {
  const recent = followed();
  add(recent, 1, 3);
  expect(recent.after(notification(2, 'other'), 10)).toEqual([]);
  expect(idsAfter(recent, 2)).toEqual([3]);
});

test('the number of events is bounded', () => {
  const { recentEvents } = memoryBounds;
  const recent = followed();
  let fewest: number = recentEvents;
  for (let first = 1; first < recentEvents * 4; first += 7) {
    add(recent, first, 7);
    if (first % 70 !== 1) continue;
    const kept = keptBefore(recent, first + 7);
    expect(kept).toBeLessThanOrEqual(recentEvents);
    if (first > recentEvents) fewest = Math.min(fewest, kept);
  }
  expect(fewest).toBeGreaterThan(recentEvents / 2 - 7);
});

test('the size of the events is bounded', () => {
  const { recentSize } = memoryBounds;
  const recent = followed();
  const size = 30_000;
  for (let id = 1; id < 200; id += 1) {
    add(recent, id, 1, 'x'.repeat(size));
    const kept = keptBefore(recent, id + 1);
    expect(kept * size).toBeLessThanOrEqual(recentSize);
    expect(kept).toBeGreaterThan(0);
  }
  add(recent, 200, 1, 'x'.repeat(recentSize / 2 + 1));
  add(recent, 201, 3);
  for (let id = 1; id <= 200; id += 1) expect(idsAfter(recent, id)).toEqual([]);
  expect(idsAfter(recent, 201)).toEqual([202, 203]);
});

/** Number of events kept before an id, if there are several. */
function keptBefore(recent: RecentNotifications, next: number): number {
  for (let first = 1; first < next; first += 1)
    if (idsAfter(recent, first, 1).length > 0) return next - first;
  return 1;
}
