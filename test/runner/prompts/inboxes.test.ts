import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Inbox } from '../../../src/runner/application-loop.ts';
import { SharedBoard } from '../../../src/runner/multi-threaded/shared-board.ts';
import { MessageInbox } from '../../../src/runner/multiprocess/message-inbox.ts';
import { ProcessBoard } from '../../../src/runner/multiprocess/process-board.ts';
import { watchListeners } from '../../support/watchers/listeners.ts';
import { takes } from '../../support/watchers/timers.ts';

const never = 2 ** 30;
const { signal } = new AbortController();
const assignments = [
  { applicationName: 'orders', pipelineId: 0, upstreamNames: ['reservations', 'payments'] },
];
const upstreamNames = ['reservations', 'payments'];

const inboxes: readonly { name: string; create(pollIntervalMs: number): Inbox }[] = [
  { name: 'a thread', create: (pollIntervalMs) => SharedBoard.for(assignments).inboxOf(0, pollIntervalMs) },
  { name: 'a process', create: (pollIntervalMs) => new MessageInbox(upstreamNames, pollIntervalMs) },
];

const boards = [
  { name: 'threads', create: () => SharedBoard.for(assignments), advance: advanceThread },
  { name: 'processes', create: () => new ProcessBoard(assignments), advance: advanceProcess },
] as const;

function advanceThread(board: unknown): void {
  (board as SharedBoard).setState(0, 'idle');
}

function advanceProcess(board: unknown): void {
  (board as ProcessBoard).advanced();
}

describe.each(inboxes)('the inbox of $name', ({ create }) => {
  test('gives each prompt once, whenever it arrives', async () => {
    const inbox = create(never);
    inbox.put('payments');
    expect(await inbox.take(signal)).toEqual(['payments']);
    const waiting = inbox.take(signal);
    inbox.put('reservations');
    inbox.put('reservations');
    expect(await waiting).toEqual(['reservations']);
    expect(inbox.isEmpty).toBe(true);
  });

  test('names all upstreams after the poll interval, neither earlier nor twice as late', async () => {
    const inbox = create(500);
    await takes(500, async () => expect(await inbox.take(signal)).toEqual(upstreamNames));
  });

  test('leaves no listener and no timer behind', async () => {
    const inbox = create(never);
    const assertNoneLeft = watchListeners();
    for (let i = 0; i < 1_000; i += 1) {
      const waiting = inbox.take(signal);
      inbox.put('payments');
      await waiting;
    }
    assertNoneLeft();
    const abort = new AbortController();
    const given = inbox.take(abort.signal);
    abort.abort();
    expect(await given).toEqual([]);
    expect(await inbox.take(abort.signal)).toEqual([]);
    assertNoneLeft();
  });
});

test('a prompt that arrives between the look of a thread and its wait ends the wait', async () => {
  const board = SharedBoard.for(assignments);
  const { exchange } = Atomics;
  let looks = 0;
  vi.spyOn(Atomics, 'exchange').mockImplementation((...cell) => {
    const found = exchange(...cell);
    looks += 1;
    if (looks === upstreamNames.length) board.prompt('payments', 0);
    return found;
  });
  try {
    expect(await board.inboxOf(0, never).take(signal)).toEqual(['payments']);
  } finally {
    vi.restoreAllMocks();
  }
});

describe.each(boards)('progress of $name', ({ create, advance }) => {
  test('made before the wait ends it at once', async () => {
    const board = create();
    const seen = board.progress;
    advance(board);
    await board.progressSince(seen, never, signal);
    const waiting = board.progressSince(board.progress, never, signal);
    await delay(1);
    advance(board);
    await waiting;
  });

  test('leaves no listener and no timer behind', async () => {
    const board = create();
    const assertNoneLeft = watchListeners();
    for (let i = 0; i < 1_000; i += 1) {
      const waiting = board.progressSince(board.progress, never, signal);
      advance(board);
      await waiting;
    }
    for (let i = 0; i < 100; i += 1) {
      const abort = new AbortController();
      const waiting = board.progressSince(board.progress, never, abort.signal);
      abort.abort();
      await waiting;
      await board.progressSince(board.progress, 1, signal);
    }
    assertNoneLeft();
  });
});
