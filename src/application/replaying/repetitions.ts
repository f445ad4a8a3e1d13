import { performance } from 'node:perf_hooks';
import type { RecordedOperation, Recorder } from '../../storage/recorder.ts';
import { ListenerSet } from '../../util/listener-set.ts';
import { Mutex } from '../../util/mutex.ts';

/** A replay: hands events of an upstream to the policy again, beside new ones. */
export interface Replay {
  readonly id: string;
  readonly pipelineId: number;
  /** Name under which storage keeps the log of the upstream. */
  readonly upstreamName: string;
  /** Types of the events; undefined for all that the policy handles. */
  readonly types?: readonly string[] | undefined;
  /** Id of the notification before the first one. */
  readonly from: number;
  /** Id of the last notification. */
  readonly to: number;
  /** Whether handlers may call other systems. */
  readonly sideEffects: boolean;
}

/** How a replay has ended. */
export type ReplayOutcome = 'finished' | 'cancelled' | 'failed';

/** Details of the operation that ends a replay. */
export interface ReplayEnd {
  readonly pipelineId: number;
  /** Id of the replay. */
  readonly id: string;
  readonly outcome: ReplayOutcome;
  /** Head of the application's own log, behind all events of the replay. */
  readonly ownHead: number;
  /** Message of the error, if the replay failed. */
  readonly error?: string;
}

/** A replay that has not ended, or has failed. */
export interface OpenReplay extends Replay {
  /** Message of the error on which it failed; undefined while it runs. */
  readonly error: string | undefined;
}

/** Returns the name under which the position of a replay is recorded. */
export function positionNameOf({ id }: Pick<Replay, 'id'>): string {
  return `replay:${id}`;
}

/** Number of operations that are read at once. */
const pageSize = 500;
/** Time between two reads of the operations, in ms. */
export const refreshMs = 1_000;

/** The resets and replays of an application, as its operations record them. */
export class Repetitions {
  static readonly #all = new WeakMap<Recorder, Repetitions>();
  readonly #recorder: Recorder;
  readonly #turns = new Mutex();
  readonly #listeners = new ListenerSet<void>();
  readonly #replays = new Map<string, OpenReplay>();
  #lastId = 0;
  #lastResetId = 0;
  #readAt = -Infinity;

  private constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** Returns the repetitions of an application, by its recorder. */
  static of(recorder: Recorder): Repetitions {
    const known = Repetitions.#all.get(recorder) ?? new Repetitions(recorder);
    Repetitions.#all.set(recorder, known);
    return known;
  }

  /** Id of the last operation that moved a position of the application; 0 if none is known. */
  get lastResetId(): number {
    return this.#lastResetId;
  }

  /** The replays of a pipeline that run or have failed, the oldest first. */
  openIn(pipelineId: number): readonly OpenReplay[] {
    return [...this.#replays.values()].filter((one) => one.pipelineId === pipelineId);
  }

  /** The replays of a pipeline that run, the oldest first. */
  runningIn(pipelineId: number): readonly OpenReplay[] {
    return this.openIn(pipelineId).filter(({ error }) => error === undefined);
  }

  /** Calls the listener after new resets and replays, until the returned function is called. */
  watch(changed: () => void): () => void {
    return this.#listeners.add(changed);
  }

  /** Reads the operations that were recorded before the call. */
  refresh(): Promise<void> {
    return this.#turns.run(() => this.#read());
  }

  /** Reads the operations, unless they were read within the last second. */
  refreshIfDue(): Promise<void> | undefined {
    return performance.now() - this.#readAt < refreshMs ? undefined : this.refresh();
  }

  async #read(): Promise<void> {
    let hasChanged = false;
    for (;;) {
      const page = await this.#recorder.operations(this.#lastId, pageSize);
      for (const operation of page) {
        this.#lastId = operation.id;
        if (this.#apply(operation)) hasChanged = true;
      }
      if (page.length < pageSize) break;
    }
    this.#readAt = performance.now();
    if (hasChanged) this.#listeners.call();
  }

  #apply({ id, kind, details }: RecordedOperation): boolean {
    if (kind === 'reset' || kind === 'reposition') {
      this.#lastResetId = id;
      return true;
    }
    if (kind === 'replay') return this.#begin(JSON.parse(details) as Replay);
    if (kind === 'replay-end') return this.#end(JSON.parse(details) as ReplayEnd);
    return false;
  }

  #begin(replay: Replay): boolean {
    const { pipelineId, upstreamName } = replay;
    for (const one of this.openIn(pipelineId)) // a failed one is over when another one begins
      if (one.upstreamName === upstreamName) this.#replays.delete(one.id);
    this.#replays.set(replay.id, { ...replay, error: undefined });
    return true;
  }

  #end({ id, outcome, error = 'unknown' }: ReplayEnd): boolean {
    const replay = this.#replays.get(id);
    if (replay === undefined) return false;
    if (outcome === 'failed') this.#replays.set(id, { ...replay, error });
    else this.#replays.delete(id);
    return true;
  }
}
