import { nextTick } from 'node:process';
import { RecordConflictError } from '../../storage/errors.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { TooManySavesError } from '../errors.ts';
import type { EventStore, PreparedEvents } from './event-store.ts';

const maxWaiting = 100_000;
const maxGroup = 1_000;

/** Decisions of an application's owner about its saves. */
export interface SaveRules {
  /** Runs a commit, now or later. */
  runCommit(commit: () => Promise<void>): Promise<void>;
  /** Called with each recorded save. Returns a promise for which the save also waits, if any. */
  followed?(save: PreparedEvents): Promise<void> | undefined;
}

/** Callbacks around the commits of an application. */
export interface CommitHooks extends SaveRules {
  /** Called after each commit with the new head of the log. */
  grown(head: number): void;
}

interface Waiting {
  readonly prepared: PreparedEvents;
  resolve(): void;
  reject(error: unknown): void;
}

/** Records concurrent saves in one transaction (group commit). Each save resolves or rejects on its own. */
export class CommitQueue {
  readonly #store: EventStore;
  readonly #hooks: CommitHooks;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;

  constructor(store: EventStore, hooks: CommitHooks) {
    this.#store = store;
    this.#hooks = hooks;
  }

  /** Resolves when the events are recorded. */
  submit(prepared: PreparedEvents): Promise<void> {
    if (this.#waiting.length >= maxWaiting) {
      const name = this.#store.applicationName;
      const error = new TooManySavesError(
        `Application '${name}' has ${maxWaiting} saves that wait for its storage: await earlier saves first.`,
      );
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ prepared, resolve, reject });
      this.#flushing ??= inRootContext(() => this.#flush()); // for the saves of all callers
    });
  }

  /** Resolves when no save is waiting. */
  async idle(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
  }

  async #flush(): Promise<void> {
    // Runs after all promises that are ready, so that all saves of this moment are in the queue.
    await new Promise<void>((ready) => nextTick(ready));
    while (this.#waiting.length > 0) {
      await this.#commitGroup();
      await yieldIfBusy();
    }
    this.#flushing = undefined;
  }

  async #commitGroup(): Promise<void> {
    let group: Waiting[] = [];
    try {
      await this.#hooks.runCommit(async () => {
        group = this.#waiting.splice(0, maxGroup);
        const recorded = await this.#record(group);
        group = recorded.group;
        if (group.length === 0) return;
        for (const { prepared } of group) prepared.followed = this.#hooks.followed?.(prepared);
        this.#hooks.grown(recorded.head);
      });
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  /** Records a group without the saves that lost a race to another writer or to each other, which are rejected. */
  async #record(waiting: Waiting[]): Promise<{ group: Waiting[]; head: number }> {
    let group = waiting;
    while (group.length > 0) {
      try {
        const head = await this.#store.record(group.map(({ prepared }) => prepared));
        return { group, head };
      } catch (error) {
        const losers = error instanceof RecordConflictError ? losersOf(group, error) : group;
        for (const { reject } of losers) reject(error);
        group = group.filter((waiting) => !losers.includes(waiting));
        await yieldIfBusy();
      }
    }
    return { group, head: 0 };
  }
}

/**
 * Returns the saves to reject after a conflict: all that would record the version in conflict, except the first if the
 * version is still free. If no save would record that version, all saves are rejected.
 */
function losersOf(group: readonly Waiting[], conflict: RecordConflictError): readonly Waiting[] {
  const rivals = group.filter(({ prepared }) =>
    prepared.events.some(
      (event) =>
        event.originatorId === conflict.originatorId && event.originatorVersion === conflict.attemptedVersion,
    ),
  );
  if (rivals.length === 0) return group;
  return conflict.currentVersion < conflict.attemptedVersion && rivals.length > 1 ? rivals.slice(1) : rivals;
}
