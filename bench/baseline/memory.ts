import type { StoredEvent, StoredNotification } from 'kahn';
import type { BaselineLog, BaselineStorage } from './log.ts';

/** Baseline storage in memory: arrays as logs, a Map as the unique index, data as the JSON that a database would store. */
export class BaselineMemory implements BaselineStorage {
  readonly #logs = new Map<string, MemoryLog>();

  open(name: string): BaselineLog {
    const log = this.#logs.get(name) ?? new MemoryLog(name);
    this.#logs.set(name, log);
    return log;
  }

  [Symbol.dispose](): void {}
}

class MemoryLog implements BaselineLog {
  readonly name: string;
  readonly #rows: StoredNotification[] = [];
  readonly #byOriginator = new Map<string, StoredNotification[]>();
  readonly #positions = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
  }

  transaction(work: () => void): void {
    const before = this.#rows.length;
    try {
      work(); // positions are written last, so only rows have to be rolled back
    } catch (error) {
      for (const { originatorId } of this.#rows.splice(before)) this.#byOriginator.get(originatorId)?.pop();
      throw error;
    }
  }

  append(event: StoredEvent): void {
    const { originatorId, originatorVersion } = event;
    const row = { ...event, id: this.#rows.length + 1 };
    const events = this.#byOriginator.get(originatorId);
    if (events === undefined) this.#byOriginator.set(originatorId, [row]);
    else if ((events.at(-1)?.originatorVersion ?? 0) < originatorVersion) events.push(row);
    else throw new Error(`${originatorId} already has version ${originatorVersion}.`);
    this.#rows.push(row);
  }

  read(after: number, limit: number): readonly StoredNotification[] {
    return this.#rows.slice(after, after + limit);
  }

  versionOf(originatorId: string): number {
    return this.#byOriginator.get(originatorId)?.at(-1)?.originatorVersion ?? 0;
  }

  position(upstreamName: string): number {
    return this.#positions.get(upstreamName) ?? 0;
  }

  movePosition(upstreamName: string, expected: number, position: number): void {
    if (this.position(upstreamName) !== expected) throw new Error(`${upstreamName} is not at ${expected}.`);
    this.#positions.set(upstreamName, position);
  }
}
