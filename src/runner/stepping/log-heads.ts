import type { Application } from '../../application/application.ts';

/**
 * The heads of the logs of some applications, in memory that threads share. An application that records raises its
 * head before the tick ends, so the next tick starts without a read of the storage.
 */
export class LogHeads {
  readonly buffer: SharedArrayBuffer;
  readonly #names: readonly string[];
  readonly #cells: BigInt64Array;

  constructor(names: readonly string[], buffer?: SharedArrayBuffer) {
    this.#names = names;
    this.buffer = buffer ?? new SharedArrayBuffer(names.length * BigInt64Array.BYTES_PER_ELEMENT);
    this.#cells = new BigInt64Array(this.buffer);
  }

  /** Returns the head of one log. */
  of(applicationName: string): number {
    return Number(Atomics.load(this.#cells, this.#names.indexOf(applicationName)));
  }

  /** Number of events in all logs. */
  get total(): number {
    return this.now.values().reduce((sum, head) => sum + head, 0);
  }

  /** The current heads of all logs, by application name. */
  get now(): ReadonlyMap<string, number> {
    return new Map(this.#names.map((name, i) => [name, Number(Atomics.load(this.#cells, i))]));
  }

  /** Raises the head of a log, unless it is that high already. */
  raise(applicationName: string, head: number): void {
    const index = this.#names.indexOf(applicationName);
    const wanted = BigInt(head);
    let known = Atomics.load(this.#cells, index);
    while (known < wanted) {
      const found = Atomics.compareExchange(this.#cells, index, known, wanted);
      if (found === known) return;
      known = found;
    }
  }

  /** Reads the heads from the storage. */
  async refresh(applications: Iterable<Application>): Promise<void> {
    for (const { applicationName, log } of applications) this.raise(applicationName, await log.head());
  }
}
