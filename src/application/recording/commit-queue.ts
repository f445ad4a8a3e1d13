import { RecordConflictError } from '../../storage/errors.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { TooManySavesError } from '../errors.ts';
import type { EventStore, PreparedEvents } from './event-store.ts';

const maxWaiting = 100_000;
const maxGroup = 1_000;

/** What happens around the commits of an application. */
export interface CommitHooks {
  /** Runs one commit, and what must follow from it at once, when it is its turn. */
  turn(commit: () => Promise<void>): Promise<void>;
  /** Called after each commit with the head of the log. */
  grown(head: number): void;
}

interface Waiting {
  readonly prepared: PreparedEvents;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Saves that wait at the same time share a transaction (group commit), each succeeding or failing on its
 * own.
 */
export class CommitQueue {
  readonly #store: EventStore;
  readonly #hooks: CommitHooks;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;

  constructor(store: EventStore, hooks: CommitHooks) {
    this.#store = store;
    this.#hooks = hooks;
  }

  /** Resolves once recorded, and once the runner has processed what it processes at once. */
  submit(prepared: PreparedEvents): Promise<void> {
    if (this.#waiting.length >= maxWaiting) {
      const name = this.#store.applicationName;
      const error = new TooManySavesError(
        `${maxWaiting} saves of application '${name}' wait already: await some of them.`,
      );
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ prepared, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  /** Resolves when nothing is waiting. */
  async idle(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
  }

  async #flush(): Promise<void> {
    // Once the promises that are ready have run, all saves of this moment are waiting.
    await new Promise<void>((ready) => process.nextTick(ready));
    while (this.#waiting.length > 0) {
      await this.#commitGroup();
      await yieldIfBusy();
    }
    this.#flushing = undefined;
  }

  async #commitGroup(): Promise<void> {
    let group: Waiting[] = [];
    try {
      await this.#hooks.turn(async () => {
        group = this.#waiting.splice(0, maxGroup);
        const recorded = await this.#record(group);
        group = recorded.group;
        if (group.length > 0) this.#hooks.grown(recorded.head);
      });
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  /** Records the group without those that have lost a race to another writer or to each other. */
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
 * Those that would record the version in conflict; if it is not on record, all but the first of them. A
 * conflict that names none of them ends them all.
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
