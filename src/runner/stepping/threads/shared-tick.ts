import { Barrier } from './barrier.ts';

/** Work of all threads in a tick. */
export type TickWork = 'process' | 'record positions';

/** What people did to the application of a thread. */
export interface ThreadOrder {
  readonly isPaused: boolean;
  /** Id of the last operation that it obeys. */
  readonly lastOperationId: number;
}

const bytesPerNumber = Float64Array.BYTES_PER_ELEMENT;
const numbers = 3;
const notDone = -1;
const blocked = 1;
const works: readonly TickWork[] = ['process', 'record positions'];

/**
 * The memory that the threads of a stepping runner share: the tick, the work of each thread in it, and the barriers at
 * which the threads and the clock meet. Each number is written by one thread and read by others behind a barrier.
 */
export class SharedTick {
  readonly buffer: SharedArrayBuffer;
  /** All threads meet here before they fetch. */
  readonly fetch: Barrier;
  /** All threads meet here when they have fetched, and process next. */
  readonly execute: Barrier;
  /** All threads meet here when they have processed. */
  readonly end: Barrier;
  readonly #tick: Float64Array;
  readonly #fetched: Float64Array;
  readonly #blocked: Float64Array;
  readonly #paused: Float64Array;
  readonly #operations: Float64Array;

  constructor(threads: number, buffer?: SharedArrayBuffer) {
    const barriersStart = (numbers + 4 * threads) * bytesPerNumber;
    this.buffer = buffer ?? new SharedArrayBuffer(barriersStart + 3 * Barrier.bytes);
    this.#tick = new Float64Array(this.buffer, 0, numbers);
    this.#fetched = new Float64Array(this.buffer, numbers * bytesPerNumber, threads);
    this.#blocked = new Float64Array(this.buffer, (numbers + threads) * bytesPerNumber, threads);
    this.#paused = new Float64Array(this.buffer, (numbers + 2 * threads) * bytesPerNumber, threads);
    this.#operations = new Float64Array(this.buffer, (numbers + 3 * threads) * bytesPerNumber, threads);
    const parties = threads + 1; // and the clock
    const barrier = (n: number) => new Barrier(parties, this.buffer, barriersStart + n * Barrier.bytes);
    this.fetch = barrier(0);
    this.execute = barrier(1);
    this.end = barrier(2);
  }

  /** Announces the work of the tick that begins next, and what the applications of the threads have to obey in it. */
  announce(work: TickWork, tick: number, timeMs: number, orders: readonly ThreadOrder[]): void {
    this.#fetched.fill(notDone);
    for (const [index, { isPaused, lastOperationId }] of orders.entries()) {
      this.#paused[index] = isPaused ? 1 : 0;
      this.#operations[index] = lastOperationId;
    }
    this.#tick.set([works.indexOf(work), tick, timeMs]);
  }

  /** The tick that was announced last. */
  get announced(): { readonly work: TickWork; readonly tick: number; readonly timeMs: number } {
    const [work = 0, tick = 0, timeMs = 0] = this.#tick;
    return { work: works[work] ?? 'process', tick, timeMs };
  }

  /** What the application of a thread has to obey in the tick. */
  orderOf(index: number): ThreadOrder {
    return { isPaused: this.#paused[index] === 1, lastOperationId: this.#operations[index] ?? 0 };
  }

  /** Notes that a thread has done its work, and the number of notifications it has fetched. */
  setDone(index: number, fetched: number, isBlocked: boolean): void {
    this.#blocked[index] = isBlocked ? blocked : 0;
    this.#fetched[index] = fetched;
  }

  isDone(index: number): boolean {
    return this.#fetched[index] !== notDone;
  }

  fetchedBy(index: number): number {
    return this.#fetched[index] ?? 0;
  }

  /** Whether a thread waits for another pipeline or another version. The thread then sends a message with the error. */
  isBlocked(index: number): boolean {
    return this.#blocked[index] === blocked;
  }

  /** Breaks all barriers, which ends every wait. */
  break(): void {
    for (const barrier of [this.fetch, this.execute, this.end]) barrier.break();
  }
}
