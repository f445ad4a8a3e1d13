import { KahnError } from '../../util/errors.ts';

/** A barrier was broken: somebody who was to come to it has failed or was closed. */
export class BarrierBrokenError extends KahnError {
  override readonly code = 'BARRIER_BROKEN';

  constructor() {
    super('Somebody who was to come to the barrier has failed or was closed.');
  }
}

const waitingCell = 0;
const generationCell = 1;
const brokenCell = 2;
const cells = 4; // one is left over, so that barriers can stand beside numbers of eight bytes

/**
 * Lets a number of parties, in any threads, go on only when all have come: again and again. Waiting blocks no thread.
 * The generation, which goes up whenever the barrier is lifted, tells those who wait for this time from those who have
 * come back for the next one.
 */
export class Barrier {
  /** How much shared memory it needs. */
  static readonly bytes: number = cells * Int32Array.BYTES_PER_ELEMENT;
  readonly #parties: number;
  readonly #cells: Int32Array;

  /** The memory, zeroes at first, is that of the others; `start` is where its part begins, in bytes. */
  constructor(parties: number, buffer: SharedArrayBuffer, start = 0) {
    this.#parties = parties;
    this.#cells = new Int32Array(buffer, start, cells);
  }

  /** Resolves when all have come. Throws {@link BarrierBrokenError} if it is or gets broken. */
  async wait(): Promise<void> {
    const generation = Atomics.load(this.#cells, generationCell);
    this.#assertWhole();
    if (Atomics.add(this.#cells, waitingCell, 1) + 1 === this.#parties) {
      Atomics.store(this.#cells, waitingCell, 0); // before the others are let go, who may come back at once
      Atomics.add(this.#cells, generationCell, 1);
      Atomics.notify(this.#cells, generationCell);
    }
    while (Atomics.load(this.#cells, generationCell) === generation) {
      const waiting = Atomics.waitAsync(this.#cells, generationCell, generation);
      if (waiting.async) await waiting.value;
    }
    this.#assertWhole();
  }

  /** Breaks it for good, for all who wait and all who come. */
  break(): void {
    Atomics.store(this.#cells, brokenCell, 1);
    Atomics.add(this.#cells, generationCell, 1);
    Atomics.notify(this.#cells, generationCell);
  }

  #assertWhole(): void {
    if (Atomics.load(this.#cells, brokenCell) === 1) throw new BarrierBrokenError();
  }
}
