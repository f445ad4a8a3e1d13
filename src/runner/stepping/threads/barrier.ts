import { KahnError } from '../../../util/errors.ts';

/** A barrier is broken: one of its parties failed or was closed. */
export class BarrierBrokenError extends KahnError {
  override readonly code = 'BARRIER_BROKEN';

  constructor() {
    super('Barrier broken: a party failed or was closed.');
  }
}

const waitingCell = 0;
const stateCell = 1;
const cells = 2;
/** The lowest bit of the state is set if the barrier is broken; the other bits count how often it was lifted. */
const brokenBit = 1;
const oneLift = 2;

/**
 * Holds a number of parties, in any threads, until all of them wait, in each round. Waiting blocks no thread. A barrier
 * is lifted for all parties that wait or, if it is broken first, for none: a party for which it was lifted continues,
 * even if the barrier is broken before that party resumes.
 */
export class Barrier {
  /** Size of the shared memory of a barrier, in bytes. */
  static readonly bytes: number = cells * Int32Array.BYTES_PER_ELEMENT;
  readonly #parties: number;
  readonly #cells: Int32Array;

  /**
   * @param buffer Memory that the parties share, filled with zeros at first.
   * @param start Offset of the barrier in the buffer, in bytes.
   */
  constructor(parties: number, buffer: SharedArrayBuffer, start = 0) {
    this.#parties = parties;
    this.#cells = new Int32Array(buffer, start, cells);
  }

  /** Resolves when all parties wait. Throws {@link BarrierBrokenError} if the barrier is broken. */
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

  /** Breaks the barrier permanently: all current and later waits throw. */
  break(): void {
    Atomics.or(this.#cells, stateCell, brokenBit);
    Atomics.notify(this.#cells, stateCell);
  }

  #lift(state: number): void {
    Atomics.store(this.#cells, waitingCell, 0); // first, because a party that continues may wait again at once
    Atomics.compareExchange(this.#cells, stateCell, state, state + oneLift); // does nothing if just broken
    Atomics.notify(this.#cells, stateCell);
  }
}
