import { memoryBounds } from '../memory-bounds.ts';

/** Number of aggregates that are loaded at once at first, and at most. */
const first = 32;
const most = 1_000;

/** Number of aggregates that are loaded at once: as many as fit in memory, by the largest one loaded lately. */
export class ReadAhead {
  #count = first;
  /** Length of the largest history since the number changed. */
  #largest = 0;
  #read = 0;

  get count(): number {
    return this.#count;
  }

  /** Notes the length of a history that was loaded, in characters. Large ones count at once, small ones by their number. */
  note(length: number): void {
    this.#read += 1;
    if (length > this.#largest) this.#largest = length;
    const fitting = Math.max(1, Math.floor(memoryBounds.page / (this.#largest + 1)));
    if (fitting >= this.#count && this.#read < this.#count) return;
    this.#count = Math.min(fitting, this.#count * 2, most);
    this.#largest = 0;
    this.#read = 0;
  }
}
