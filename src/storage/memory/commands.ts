import { KeyConflictError } from '../errors.ts';
import type { ProcessEvent, StoredCommand } from '../recorder.ts';
import { isLarge, keepOutsideOfHeap } from './large-text.ts';
import { countUpTo } from './sorted-list.ts';

/** Selects the oldest commands before a time, in ms since 1970. */
export interface Expiry {
  readonly before: number;
  readonly limit: number;
}

/** The commands of one application. */
export class Commands {
  readonly #byKey = new Map<string, StoredCommand>();
  /** Ascends by timestamp; commands of one timestamp are in the order in which they were recorded. */
  readonly #byTime: StoredCommand[] = [];

  get(key: string): StoredCommand | undefined {
    return this.#byKey.get(key);
  }

  /** Returns all commands, the oldest first. */
  all(): readonly StoredCommand[] {
    return this.#byTime;
  }

  /** Throws {@link KeyConflictError} if the key of a command is recorded, or occurs twice. */
  assertNew(applicationName: string, processEvents: readonly ProcessEvent[]): void {
    let keys: Set<string> | undefined;
    for (const { command } of processEvents) {
      if (command === undefined) continue;
      const { key } = command;
      if (this.#byKey.has(key) || keys?.has(key)) throw new KeyConflictError(applicationName, key);
      keys = (keys ?? new Set()).add(key);
    }
  }

  add({ key, timestamp, fingerprint, outcome }: StoredCommand): void {
    const command = { key, timestamp, fingerprint, outcome };
    if (isLarge(outcome)) keepOutsideOfHeap(command, 'outcome');
    this.#byKey.set(key, command);
    this.#byTime.splice(countUpTo(this.#byTime, timestamp, timeOf), 0, command);
  }

  /** Deletes commands, and returns their number. */
  delete({ before, limit }: Expiry): number {
    const expired = countUpTo(this.#byTime, Math.ceil(before) - 1, timeOf);
    const deleted = this.#byTime.splice(0, Math.min(expired, limit));
    for (const { key } of deleted) this.#byKey.delete(key);
    return deleted.length;
  }
}

function timeOf({ timestamp }: StoredCommand): number {
  return timestamp;
}
