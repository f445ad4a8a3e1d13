import { performance } from 'node:perf_hooks';
import { yieldIfDue } from '../../util/yield-to-event-loop.ts';

/** Fewest characters that are read at once: a smaller read takes as long. */
const leastRead = 65_536;
/** Bounds of the ratio: of a text of a few characters, and of one that is compressed to almost nothing. */
const leastRatio = 0.5;
const largestRatio = 100;
/** Part that is read beyond what is expected to be enough. */
const reserve = 1.1;

/** Size of opened texts in relation to their size in storage, as it was last. */
export class SizeRatio {
  #ratio = 1;

  note(stored: number, opened: number): void {
    if (stored > 0) this.#ratio = Math.min(Math.max(opened / stored, leastRatio), largestRatio);
  }

  /** Returns how much to read from storage for a size of opened texts. */
  storedSize(size: number): number {
    return Math.max(Math.ceil((size / this.#ratio) * reserve), leastRead);
  }
}

/** Items that are opened one by one, up to the item by which their size reaches a maximum. */
export class OpenedPage<T extends object> {
  readonly items: T[] = [];
  readonly #ratio: SizeRatio;
  readonly #maxSize: number;
  readonly #sizeOf: (item: T) => number;
  #size = 0;

  constructor(ratio: SizeRatio, maxSize: number, sizeOf: (item: T) => number) {
    this.#ratio = ratio;
    this.#maxSize = maxSize;
    this.#sizeOf = sizeOf;
  }

  get isFull(): boolean {
    return this.#size >= this.#maxSize;
  }

  /** Size of stored texts that is probably enough for what is missing; undefined without a maximum. */
  get storedSize(): number | undefined {
    return this.#maxSize === Infinity ? undefined : this.#ratio.storedSize(this.#maxSize - this.#size);
  }

  /** Opens items until the maximum is reached. Yields in between when this thread is busy. */
  async add(stored: readonly T[], open: (item: T) => T | Promise<T>): Promise<void> {
    let storedSize = 0;
    const sizeBefore = this.#size;
    for (const item of stored) {
      const result = open(item);
      const opened = result instanceof Promise ? await result : result;
      this.items.push(opened);
      this.#size += this.#sizeOf(opened);
      storedSize += this.#sizeOf(item);
      const turn = yieldIfDue(performance.now());
      if (turn !== undefined) await turn;
      if (this.isFull) break;
    }
    this.#ratio.note(storedSize, this.#size - sizeBefore);
  }
}
