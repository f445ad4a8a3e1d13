import type { Wait } from './wait.ts';

/** Notifications of one log that a wait waits for. */
export interface TrackedRange {
  /** Id before the first notification. */
  after: number;
  readonly last: number;
  readonly wait: Wait;
  /** Whether the follower handles any of the notifications. It may ignore all of them. */
  readonly isHandled: boolean;
}

/** Ranges of notifications of one log, in ascending order of their starts. */
export class TrackedRanges {
  /** Ranges from the index `#start` on; may be longer than an argument list. */
  #ranges: TrackedRange[] = [];
  #start = 0;
  /** Waits whose ranges are removed together, when they are as many as the other ranges. */
  readonly #dropped = new Set<Wait>();

  get isEmpty(): boolean {
    return this.#start === this.#ranges.length;
  }

  add(range: TrackedRange): void {
    let index = this.#ranges.length; // nearly always the end
    while (index > this.#start && (this.#ranges[index - 1] as TrackedRange).after > range.after) index -= 1;
    if (index === this.#ranges.length) this.#ranges.push(range);
    else this.#ranges.splice(index, 0, range);
  }

  /** Removes and returns everything up to an id. A range that ends behind the id is split. */
  takeUpTo(id: number): readonly TrackedRange[] {
    if (this.#allEndBy(id)) return this.takeAll(); // as with one save at a time
    const taken: TrackedRange[] = [];
    const rest: TrackedRange[] = [];
    for (; !this.isEmpty; this.#start += 1) {
      const range = this.#ranges[this.#start] as TrackedRange;
      if (range.after >= id) break;
      if (this.#dropped.has(range.wait)) continue;
      if (range.last <= id) taken.push(range);
      else {
        range.wait.begin();
        taken.push({ ...range, last: id });
        rest.push({ ...range, after: id });
      }
    }
    // There is room for the rest where the ranges were.
    for (const range of rest.reverse()) this.#ranges[--this.#start] = range;
    if (this.#start * 2 > this.#ranges.length) this.#compact();
    return taken;
  }

  takeAll(): readonly TrackedRange[] {
    this.#compact();
    const all = this.#ranges;
    this.#ranges = [];
    return all;
  }

  /** Removes all ranges of a wait. */
  remove(wait: Wait): void {
    this.#dropped.add(wait);
    if (this.#dropped.size * 2 > this.#ranges.length - this.#start) this.#compact();
  }

  /** Whether no range ends behind an id. The last one is checked first, because ranges ascend. */
  #allEndBy(id: number): boolean {
    const last = this.#ranges.at(-1);
    return last !== undefined && last.last <= id && this.#ranges.every((range) => range.last <= id);
  }

  #compact(): void {
    if (this.#start === 0 && this.#dropped.size === 0) return;
    const ranges = this.#start > 0 ? this.#ranges.slice(this.#start) : this.#ranges;
    this.#ranges = this.#dropped.size > 0 ? ranges.filter(({ wait }) => !this.#dropped.has(wait)) : ranges;
    this.#start = 0;
    this.#dropped.clear();
  }
}
