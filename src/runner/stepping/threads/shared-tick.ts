import { Barrier } from './barrier.ts';

/** What all threads are to do when a tick begins. */
export type Work = 'process' | 'record positions';

const bytesPerNumber = Float64Array.BYTES_PER_ELEMENT;
const numbers = 3;
const notDone = -1;
const stalled = 1;
const works: readonly Work[] = ['process', 'record positions'];

/**
 * What the threads of a stepping runner share: the tick, what each has done in it, and the barriers at which they and
 * the clock meet. Each number is written by one thread and read by others behind a barrier.
 */
export class SharedTick {
  readonly buffer: SharedArrayBuffer;
  /** All meet here before they fetch. */
  readonly fetch: Barrier;
  /** All have fetched when they have met here, and process. */
  readonly execute: Barrier;
  /** All have processed when they have met here. */
  readonly end: Barrier;
  readonly #tick: Float64Array;
  readonly #fetched: Float64Array;
  readonly #stalled: Float64Array;

  constructor(threads: number, buffer?: SharedArrayBuffer) {
    const barriersStart = (numbers + 2 * threads) * bytesPerNumber;
    this.buffer = buffer ?? new SharedArrayBuffer(barriersStart + 3 * Barrier.bytes);
    this.#tick = new Float64Array(this.buffer, 0, numbers);
    this.#fetched = new Float64Array(this.buffer, numbers * bytesPerNumber, threads);
    this.#stalled = new Float64Array(this.buffer, (numbers + threads) * bytesPerNumber, threads);
    const parties = threads + 1; // and the clock
    const barrier = (n: number) => new Barrier(parties, this.buffer, barriersStart + n * Barrier.bytes);
    this.fetch = barrier(0);
    this.execute = barrier(1);
    this.end = barrier(2);
  }

  /** Says what is to be done in the tick that begins next. */
  announce(work: Work, tick: number, timeMs: number): void {
    this.#fetched.fill(notDone);
    this.#tick.set([works.indexOf(work), tick, timeMs]);
  }

  /** What was announced. */
  get announced(): { readonly work: Work; readonly tick: number; readonly timeMs: number } {
    const [work = 0, tick = 0, timeMs = 0] = this.#tick;
    return { work: works[work] ?? 'process', tick, timeMs };
  }

  /** Notes that a thread has done its work, how many notifications it has fetched, and whether it waits. */
  setDone(index: number, fetched: number, isStalled: boolean): void {
    this.#stalled[index] = isStalled ? stalled : 0;
    this.#fetched[index] = fetched;
  }

  isDone(index: number): boolean {
    return this.#fetched[index] !== notDone;
  }

  fetchedBy(index: number): number {
    return this.#fetched[index] ?? 0;
  }

  /** Whether a thread waits for another pipeline; it then tells for what by a message. */
  isStalled(index: number): boolean {
    return this.#stalled[index] === stalled;
  }

  /** Lets nobody wait any longer. */
  break(): void {
    for (const barrier of [this.fetch, this.execute, this.end]) barrier.break();
  }
}
