import type { RecordedOperation } from '../../storage/recorder.ts';

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
  apply({ id, kind, details }: RecordedOperation): void {
    if (kind === 'reset' || kind === 'reposition') this.#lastResetId = id;
    if (kind === 'replay') this.#begin(JSON.parse(details) as Replay);
    if (kind === 'replay-end') this.#end(JSON.parse(details) as ReplayEnd);
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
