import type { Inbox } from '../application-loop.ts';
import type { Assignment } from '../assignment.ts';
import { positionsRequest } from '../positions/unrecorded-positions.ts';
import type { ApplicationState } from '../runner.ts';
import type { WorkerBoard } from '../supervised/supervised-runner.ts';

/** Plain data from which a thread makes its view of the board. */
export interface BoardDescription {
  readonly buffer: SharedArrayBuffer;
  /** The assignments of all threads, in the order of their cells. */
  readonly assignments: readonly Assignment[];
}

const states: readonly ApplicationState[] = [
  'starting',
  'idle',
  'running',
  'interrupted',
  'restarting',
  'paused',
  'failed',
  'stopped',
];

// The cells of the whole system come first. The cells of each assignment follow: a doorbell, its state, a prompt per
// upstream, and the request for positions.
const progressCell = 0;
const tickCell = 1;
const firstAssignmentCell = 2;
const doorbellOffset = 0;
const stateOffset = 1;
const promptsOffset = 2;

/**
 * Prompts and states of all threads of a runner, and the ticks of its clock, in shared memory. A prompt is one cell
 * that is set, so at most one prompt per upstream is pending. Prompts survive a thread that dies.
 */
export class SharedBoard implements WorkerBoard {
  readonly description: BoardDescription;
  readonly #cells: Int32Array;
  /** First cell of each assignment. */
  readonly #starts: readonly number[];

  constructor(description: BoardDescription) {
    this.description = description;
    this.#cells = new Int32Array(description.buffer);
    this.#starts = startsOf(description.assignments);
  }

  /** Makes a new board for some assignments. */
  static for(assignments: readonly Assignment[]): SharedBoard {
    const lastStart = startsOf(assignments).at(-1) ?? firstAssignmentCell;
    const cells = lastStart + promptsOffset + (assignments.at(-1)?.upstreamNames.length ?? 0) + 1;
    return new SharedBoard({
      buffer: new SharedArrayBuffer(cells * Int32Array.BYTES_PER_ELEMENT),
      assignments,
    });
  }

  assignmentOf(index: number): Assignment {
    return this.description.assignments[index] as Assignment;
  }

  /** Prompts the followers of a log. */
  prompt(applicationName: string, pipelineId: number): void {
    for (const [index, assignment] of this.description.assignments.entries()) {
      if (assignment.pipelineId === pipelineId)
        this.#promptAt(index, assignment.upstreamNames.indexOf(applicationName));
    }
  }

  requestPositions(applicationName: string, pipelineId: number): void {
    for (const [index, { upstreamNames, ...assignment }] of this.description.assignments.entries()) {
      if (assignment.pipelineId !== pipelineId || !upstreamNames.includes(applicationName)) continue;
      this.#promptAt(index, upstreamNames.length);
      this.#promptAt(index, upstreamNames.indexOf(applicationName));
    }
  }

  /** Returns the inbox of the thread with this assignment. */
  inboxOf(index: number, pollIntervalMs: number): Inbox {
    const { upstreamNames } = this.assignmentOf(index);
    const first = this.#start(index) + promptsOffset;
    const isSet = (offset: number) => Atomics.load(this.#cells, first + offset) === 1;
    const names = [...upstreamNames, positionsRequest];
    const take = () => names.filter((_, offset) => Atomics.exchange(this.#cells, first + offset, 0) === 1);
    const doorbell = this.#start(index) + doorbellOffset;
    const cells = this.#cells;
    return {
      put: (name) => this.#promptAt(index, names.indexOf(name)),
      get isEmpty() {
        return !names.some((_, offset) => isSet(offset));
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
    Atomics.store(this.#cells, this.#start(index) + stateOffset, states.indexOf(state));
    if (state !== 'running') this.#ring(progressCell);
  }

  stateOf(index: number): ApplicationState {
    return states[Atomics.load(this.#cells, this.#start(index) + stateOffset)] ?? 'starting';
  }

  stateIn(applicationName: string, pipelineId: number): ApplicationState | undefined {
    const index = this.description.assignments.findIndex(
      (assignment) => assignment.applicationName === applicationName && assignment.pipelineId === pipelineId,
    );
    return index < 0 ? undefined : this.stateOf(index);
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

  /** Allows every thread one step. */
  tick(): void {
    this.#ring(tickCell);
  }

  /** Resolves when the number of ticks differs from `seen`. */
  async tickAfter(seen: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.ticks === seen) await this.#change(tickCell, seen, undefined, signal);
  }

  #promptAt(index: number, offset: number): void {
    if (offset < 0) return;
    Atomics.store(this.#cells, this.#start(index) + promptsOffset + offset, 1);
    this.#ring(this.#start(index) + doorbellOffset);
  }

  #ring(cell: number): void {
    Atomics.add(this.#cells, cell, 1);
    Atomics.notify(this.#cells, cell);
  }

  /** Waits, without blocking the thread, until a cell no longer has the value `seen`. */
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

function startsOf(assignments: readonly Assignment[]): readonly number[] {
  let next = firstAssignmentCell;
  return assignments.map(({ upstreamNames }) => {
    const start = next;
    next += promptsOffset + upstreamNames.length + 1;
    return start;
  });
}
