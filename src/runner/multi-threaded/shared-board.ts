import type { Inbox } from '../application-loop.ts';
import type { ApplicationState } from '../runner.ts';
import type { Assignment } from '../asynchronous/assignment.ts';
import type { WorkerBoard } from '../supervised/supervised-runner.ts';

/** The board of a running system, as it is handed to a thread. */
export interface BoardDescription {
  readonly buffer: SharedArrayBuffer;
  /** Where each thread stands on the board. */
  readonly places: readonly Assignment[];
}

const states: readonly ApplicationState[] = [
  'starting',
  'idle',
  'running',
  'interrupted',
  'restarting',
  'failed',
  'stopped',
];

// The cells of the whole system come first, then those of each thread: a doorbell, its state, a prompt per upstream.
const progressCell = 0;
const tickCell = 1;
const firstPlaceCell = 2;

/**
 * What the threads of a running system tell each other, in shared memory: who has been prompted by whom, who is
 * doing what, and how often the clock has ticked. A prompt is one cell that is set, so there is never more than one
 * for each upstream, however busy its reader is; and it outlives a thread that dies.
 */
export class SharedBoard implements WorkerBoard {
  readonly description: BoardDescription;
  readonly #cells: Int32Array;
  /** The first cell of each place. */
  readonly #starts: readonly number[];

  constructor(description: BoardDescription) {
    this.description = description;
    this.#cells = new Int32Array(description.buffer);
    this.#starts = startsOf(description.places);
  }

  /** A new board for some places. */
  static for(places: readonly Assignment[]): SharedBoard {
    const cells =
      (startsOf(places).at(-1) ?? firstPlaceCell) + 2 + (places.at(-1)?.upstreamNames.length ?? 0);
    return new SharedBoard({ buffer: new SharedArrayBuffer(cells * Int32Array.BYTES_PER_ELEMENT), places });
  }

  /** Prompts everybody who follows an application in a pipeline. */
  prompt(applicationName: string, pipelineId: number): void {
    for (const [index, place] of this.description.places.entries()) {
      if (place.pipelineId === pipelineId)
        this.#promptAt(index, place.upstreamNames.indexOf(applicationName));
    }
  }

  /** The inbox of the thread at a place. */
  inboxOf(index: number, pollIntervalMs: number): Inbox {
    const upstreamNames = this.description.places[index]?.upstreamNames ?? [];
    const first = this.#start(index) + 2;
    const isSet = (offset: number) => Atomics.load(this.#cells, first + offset) === 1;
    const take = () =>
      upstreamNames.filter((_, offset) => Atomics.exchange(this.#cells, first + offset, 0) === 1);
    const doorbell = this.#start(index);
    const cells = this.#cells;
    return {
      put: (upstreamName) => this.#promptAt(index, upstreamNames.indexOf(upstreamName)),
      get isEmpty() {
        return !upstreamNames.some((_, offset) => isSet(offset));
      },
      take: async (signal) => {
        while (!signal.aborted) {
          const rung = Atomics.load(cells, doorbell);
          const taken = take();
          if (taken.length > 0) return taken;
          const outcome = await this.#change(doorbell, rung, pollIntervalMs, signal);
          if (outcome === 'timed-out') return upstreamNames;
        }
        return [];
      },
    };
  }

  setState(index: number, state: ApplicationState): void {
    Atomics.store(this.#cells, this.#start(index) + 1, states.indexOf(state));
    if (state !== 'running') this.#ring(progressCell);
  }

  stateOf(index: number): ApplicationState {
    return states[Atomics.load(this.#cells, this.#start(index) + 1)] ?? 'starting';
  }

  /** What an application is doing; undefined if it has no place here. */
  stateIn(applicationName: string, pipelineId: number): ApplicationState | undefined {
    const index = this.description.places.findIndex(
      (place) => place.applicationName === applicationName && place.pipelineId === pipelineId,
    );
    return index < 0 ? undefined : this.stateOf(index);
  }

  get isQuiet(): boolean {
    return this.description.places.every(({ upstreamNames }, index) => {
      const state = this.stateOf(index);
      const first = this.#start(index) + 2;
      const isPrompted = upstreamNames.some((_, offset) => Atomics.load(this.#cells, first + offset) === 1);
      return state === 'failed' || (state === 'idle' && !isPrompted);
    });
  }

  get progress(): number {
    return Atomics.load(this.#cells, progressCell);
  }

  async progressSince(seen: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    await this.#change(progressCell, seen, timeoutMs, signal);
  }

  get ticks(): number {
    return Atomics.load(this.#cells, tickCell);
  }

  /** Lets everybody take a step. */
  tick(): void {
    this.#ring(tickCell);
  }

  /** Resolves when the clock has ticked more often than `seen`. */
  async tickAfter(seen: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.ticks === seen) await this.#change(tickCell, seen, undefined, signal);
  }

  #promptAt(index: number, offset: number): void {
    if (offset < 0) return;
    Atomics.store(this.#cells, this.#start(index) + 2 + offset, 1);
    this.#ring(this.#start(index));
  }

  #ring(cell: number): void {
    Atomics.add(this.#cells, cell, 1);
    Atomics.notify(this.#cells, cell);
  }

  /** Waits for a cell to be something else, without blocking the thread. */
  async #change(
    cell: number,
    seen: number,
    timeoutMs: number | undefined,
    signal: AbortSignal,
  ): Promise<'ok' | 'timed-out' | 'not-equal'> {
    const waiting = Atomics.waitAsync(this.#cells, cell, seen, timeoutMs);
    if (!waiting.async) return waiting.value;
    const wake = () => void Atomics.notify(this.#cells, cell);
    signal.addEventListener('abort', wake, { once: true });
    try {
      return await waiting.value;
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  #start(index: number): number {
    return this.#starts[index] ?? 0;
  }
}

function startsOf(places: readonly Assignment[]): readonly number[] {
  let next = firstPlaceCell;
  return places.map(({ upstreamNames }) => {
    const start = next;
    next += 2 + upstreamNames.length;
    return start;
  });
}
