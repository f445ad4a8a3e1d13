import { KahnError } from '../../../util/errors.ts';

/** A barrier was broken: somebody who was to come to it has failed or was closed. */
export class BarrierBrokenError extends KahnError {
  override readonly code = 'BARRIER_BROKEN';

  constructor() {
    super('Somebody who was to come to the barrier has failed or was closed.');
  }
}

const waitingCell = 0;
const stateCell = 1;
const cells = 2;
/** The lowest bit of the state says that it is broken, the others count how often it was lifted. */
const brokenBit = 1;
const oneLift = 2;

/**
 * Lets a number of parties, in any threads, go on only when all have come: again and again. Waiting blocks no thread.
 * It is lifted for all who wait or, if it is broken first, for none of them: whoever was let go goes on, even if it is
 * broken before that party gets to know.
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
    const state = Atomics.load(this.#cells, stateCell);
    if ((state & brokenBit) !== 0) throw new BarrierBrokenError();
    if (Atomics.add(this.#cells, waitingCell, 1) + 1 === this.#parties) this.#lift(state);
    while (Atomics.load(this.#cells, stateCell) === state) {
      const waiting = Atomics.waitAsync(this.#cells, stateCell, state);
      if (waiting.async) await waiting.value;
    }
    const wasNotLifted = Atomics.load(this.#cells, stateCell) === (state | brokenBit);
    if (wasNotLifted) throw new BarrierBrokenError();
  }

  /** Breaks it for good, for all who wait and all who come. */
  break(): void {
    Atomics.or(this.#cells, stateCell, brokenBit);
    Atomics.notify(this.#cells, stateCell);
  }

  #lift(state: number): void {
    Atomics.store(this.#cells, waitingCell, 0); // before the others are let go, who may come back at once
    Atomics.compareExchange(this.#cells, stateCell, state, state + oneLift); // unless it was broken meanwhile
    Atomics.notify(this.#cells, stateCell);
  }
}
