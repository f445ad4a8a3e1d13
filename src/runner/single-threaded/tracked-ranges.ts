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
  #ranges: TrackedRange[] = []; // may be longer than an argument list

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  add(range: TrackedRange): void {
    let index = this.#ranges.length; // nearly always the end
    while (index > 0 && (this.#ranges[index - 1] as TrackedRange).after > range.after) index -= 1;
    if (index === this.#ranges.length) this.#ranges.push(range);
    else this.#ranges.splice(index, 0, range);
  }

  /** Removes and returns everything up to an id. A range that ends behind the id is split. */
  takeUpTo(id: number): readonly TrackedRange[] {
    let count = 0;
    while (count < this.#ranges.length && (this.#ranges[count] as TrackedRange).after < id) count += 1;
    const taken = this.#ranges.splice(0, count);
    const rest: TrackedRange[] = [];
    for (const [i, range] of taken.entries()) {
      if (range.last <= id) continue;
      range.wait.begin();
      taken[i] = { ...range, last: id };
      rest.push({ ...range, after: id });
    }
    if (rest.length > 0) this.#ranges = [...rest, ...this.#ranges];
    return taken;
  }

  takeAll(): readonly TrackedRange[] {
    return this.#ranges.splice(0);
  }

  /** Removes all ranges of a wait. */
  remove(wait: Wait): void {
    this.#ranges = this.#ranges.filter((range) => range.wait !== wait);
  }
}
