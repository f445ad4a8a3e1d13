import type { RecordedOperation } from '../../storage/recorder.ts';
import { detailsOf, isOperation, type Replay, type ReplayEnd } from '../control/operation-kinds.ts';

/** A replay that has not ended, or has failed. */
export interface OpenReplay extends Replay {
  /** Message of the error on which it failed; undefined while it runs. */
  readonly error: string | undefined;
}

/** Returns the name under which the position of a replay is recorded. */
export function positionNameOf({ id }: Pick<Replay, 'id'>): string {
  return `replay:${id}`;
}

/** The resets and replays of an application, as its operations record them. */
export class Repetitions {
  readonly #replays = new Map<string, OpenReplay>();
  #lastResetId = 0;

  /** Id of the last operation that moved a position of the application; 0 if there is none. */
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

  /** Forgets all operations, before they are applied again. */
  clear(): void {
    this.#replays.clear();
    this.#lastResetId = 0;
  }

  /** Applies the next operation. */
  apply(operation: RecordedOperation): void {
    if (isOperation(operation, 'reset', 'reposition')) this.#lastResetId = operation.id;
    const begun = detailsOf(operation, 'replay');
    if (begun !== undefined) this.#begin(begun);
    const ended = detailsOf(operation, 'replay-end');
    if (ended !== undefined) this.#end(ended);
  }

  #begin(replay: Replay): void {
    const { pipelineId, upstreamName } = replay;
    for (const one of this.openIn(pipelineId)) // a failed one is over when another one begins
      if (one.upstreamName === upstreamName) this.#replays.delete(one.id);
    this.#replays.set(replay.id, { ...replay, error: undefined });
  }

  #end({ id, outcome, error = 'unknown' }: ReplayEnd): void {
    const replay = this.#replays.get(id);
    if (replay === undefined) return;
    if (outcome === 'failed') this.#replays.set(id, { ...replay, error });
    else this.#replays.delete(id);
  }
}
