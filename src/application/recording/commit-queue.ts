import { performance } from 'node:perf_hooks';
import { nextTick } from 'node:process';
import { KeyConflictError, mayConcernPart, RecordConflictError } from '../../storage/errors.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { yieldIfBusy, yieldIfDue } from '../../util/yield-to-event-loop.ts';
import { TooManySavesError } from '../errors.ts';
import { memoryBounds } from '../memory-bounds.ts';
import { BoundedLock } from './bounded-lock.ts';
import type { EventStore, PreparedEvents } from './event-store.ts';
import type { Saved } from './save-options.ts';

/** Most saves that wait, and most saves in a commit. */
const maxWaiting = 100_000;
const maxGroup = 1_000;

/** Decisions of an application's owner about its saves. */
export interface SaveRules {
  /** Runs a commit, now or later. */
  runCommit(commit: () => Promise<void>): Promise<void>;
  /** Called with each recorded save. Returns a promise for which the save also waits, if any. */
  followed?(save: PreparedEvents): Promise<void> | undefined;
  /** Called with each save that is repeated by its key. Returns a promise for which the repetition also waits, if any. */
  repeated?(saved: Saved): Promise<void> | undefined;
}

/** Callbacks around the commits of an application. */
export interface CommitHooks extends SaveRules {
  /** Called with the new head of the log after each commit that has extended it. */
  grown(head: number): void;
}

/** Records saves. */
export interface Commits {
  /** Resolves when the events are recorded. */
  submit(prepared: PreparedEvents): Promise<void>;
  /** Returns a promise for which the repetition of a save waits, if any. */
  followAgain(saved: Saved): Promise<void> | undefined;
}

interface Waiting {
  readonly prepared: PreparedEvents;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Records concurrent saves in one transaction (group commit). Each save resolves or rejects on its own: a group that the
 * storage refuses is recorded in parts, down to the saves that are refused alone. All of them settle when the whole group
 * is done, so that a save that lost to another one of its group finds what that one has recorded.
 */
export class CommitQueue implements Commits {
  readonly #store: EventStore;
  readonly #hooks: CommitHooks;
  #waiting: Waiting[] = [];
  #waitingSize = 0;
  #flushing: Promise<void> | undefined;
  /** The saves of the current group that are not recorded, with their errors. */
  readonly #rejected = new Map<Waiting, unknown>();
  /** Work that is done under the write lock. */
  readonly #exclusive = new Set<Promise<unknown>>();

  constructor(store: EventStore, hooks: CommitHooks) {
    this.#store = store;
    this.#hooks = hooks;
  }

  submit(prepared: PreparedEvents): Promise<void> {
    const isFull = this.#waitingSize + prepared.size > memoryBounds.waitingSaves && this.#waiting.length > 0;
    if (isFull || this.#waiting.length >= maxWaiting) {
      const size = Math.round(this.#waitingSize / 1e6);
      const error = new TooManySavesError(
        `Application '${this.#store.applicationName}' has ${this.#waiting.length} saves of ${size} MB that wait for its ` +
          'storage: await earlier saves first.',
      );
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ prepared, resolve, reject });
      this.#waitingSize += prepared.size;
      this.#flushing ??= inRootContext(this.#flush); // for the saves of all callers
    });
  }

  followAgain(saved: Saved): Promise<void> | undefined {
    return this.#hooks.repeated?.(saved);
  }

  /**
   * Does work while no other writer records, for a limited time and if the storage has a write lock. The first save of the
   * work releases the lock.
   *
   * @param work Calls `recorded` when its events are recorded, before it waits for what follows from them.
   * @param signal Releases the lock when it is aborted.
   */
  async exclusively<T>(
    work: (commits: Commits, recorded: () => void) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    let working: Promise<T> | undefined;
    const commit = this.#hooks.runCommit(async () => {
      const lock = await BoundedLock.take(this.#store, signal);
      try {
        const { promise, resolve } = Promise.withResolvers<void>();
        const submit = (prepared: PreparedEvents) => inRootContext(this.#recordOne, prepared, lock);
        working = work({ submit, followAgain: (saved) => this.followAgain(saved) }, resolve);
        await Promise.race([promise, Promise.allSettled([working])]);
      } finally {
        await lock?.release();
      }
    });
    this.#exclusive.add(commit);
    try {
      await commit;
    } finally {
      this.#exclusive.delete(commit);
    }
    return await (working as Promise<T>); // `runCommit` has called the function
  }

  /** Resolves when no save is waiting, and no work is done under the write lock. */
  async idle(): Promise<void> {
    while (this.#flushing !== undefined || this.#exclusive.size > 0)
      await Promise.allSettled([this.#flushing, ...this.#exclusive]);
  }

  readonly #recordOne = async (prepared: PreparedEvents, lock: BoundedLock | undefined): Promise<void> => {
    this.#noteRecorded([prepared], await this.#store.record([prepared], lock));
  };

  #noteRecorded(group: readonly PreparedEvents[], head: number): void {
    for (const prepared of group) prepared.followed = this.#hooks.followed?.(prepared);
    if (group.some(({ logged }) => logged.length > 0)) this.#hooks.grown(head);
  }

  readonly #flush = async (): Promise<void> => {
    // Runs after all promises that are ready, so that all saves of this moment are in the queue.
    await new Promise<void>(nextTick);
    while (this.#waiting.length > 0) {
      await this.#commitGroup();
      const turn = yieldIfDue(performance.now());
      if (turn !== undefined) await turn;
    }
    this.#flushing = undefined;
  };

  async #commitGroup(): Promise<void> {
    let group: readonly Waiting[] = [];
    const rejected = this.#rejected;
    try {
      await this.#hooks.runCommit(() => {
        group = this.#takeGroup();
        return this.#record(group);
      });
      for (const waiting of group) {
        if (rejected.has(waiting)) waiting.reject(rejected.get(waiting));
        else waiting.resolve();
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    if (rejected.size > 0) rejected.clear();
  }

  /** Takes the saves for the next commit: at least one, and not more than may share it. */
  #takeGroup(): readonly Waiting[] {
    let size = 0;
    let count = 0;
    for (const { prepared } of this.#waiting) {
      if (count === maxGroup || (count > 0 && size + prepared.size > memoryBounds.commit)) break;
      size += prepared.size;
      count += 1;
    }
    this.#waitingSize -= size;
    return this.#waiting.splice(0, count);
  }

  /** Records a group, in parts if needed, and notes the saves that are not recorded. */
  async #record(waiting: readonly Waiting[]): Promise<void> {
    const parts = [waiting]; // the next part is the last
    for (let group = parts.pop(); group !== undefined; group = parts.pop()) {
      if (group.length === 0) continue;
      const saves = group.map(({ prepared }) => prepared);
      let head: number;
      try {
        head = await this.#store.record(saves);
      } catch (error) {
        parts.push(...remainder(group, error, this.#rejected));
        await yieldIfBusy();
        continue;
      }
      this.#noteRecorded(saves, head);
    }
  }
}

/**
 * Adds the saves to which a failure is due to `rejected`. Returns the others, in parts and the last part first: without
 * saves that lost a race to another writer or to each other, or as halves if a part may be refused.
 */
function remainder(
  group: readonly Waiting[],
  error: unknown,
  rejected: Map<Waiting, unknown>,
): readonly (readonly Waiting[])[] {
  const losers = losersOf(group, error);
  if (losers.length === 0 && group.length > 1 && mayConcernPart(error)) {
    const middle = group.length >>> 1;
    return [group.slice(middle), group.slice(0, middle)];
  }
  for (const one of losers.length > 0 ? losers : group) rejected.set(one, error);
  return [group.filter((one) => !rejected.has(one))];
}

/** Returns the saves to reject after a conflict of versions or keys. */
function losersOf(group: readonly Waiting[], error: unknown): readonly Waiting[] {
  if (error instanceof RecordConflictError) return losersOfVersion(group, error);
  return error instanceof KeyConflictError ? losersOfKey(group, error) : [];
}

/** All saves that would record the version in conflict, except the first if the version is still free. */
function losersOfVersion(group: readonly Waiting[], conflict: RecordConflictError): readonly Waiting[] {
  const rivals = group.filter(({ prepared }) =>
    prepared.events.some(
      (event) =>
        event.originatorId === conflict.originatorId && event.originatorVersion === conflict.attemptedVersion,
    ),
  );
  return conflict.currentVersion < conflict.attemptedVersion && rivals.length > 1 ? rivals.slice(1) : rivals;
}

/** All saves that repeat the key of an earlier one in the group. If there are none, the save whose key is recorded. */
function losersOfKey(group: readonly Waiting[], conflict: KeyConflictError): readonly Waiting[] {
  const seen = new Set<string>();
  const repeated: Waiting[] = [];
  for (const waiting of group) {
    const key = waiting.prepared.processEvent.command?.key;
    if (key === undefined) continue;
    if (seen.has(key)) repeated.push(waiting);
    seen.add(key);
  }
  if (repeated.length > 0) return repeated;
  return group.filter(({ prepared }) => prepared.processEvent.command?.key === conflict.key);
}
