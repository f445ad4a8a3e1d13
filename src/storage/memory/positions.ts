import { PositionConflictError, type PositionState } from '../errors.ts';
import type { ProcessEvent, RecordedPosition, Tracking } from '../recorder.ts';
import { inOrder } from './log-order.ts';

/** Position, mark and version of the handled types that a call moved an upstream's position to. */
export type Move = Pick<Tracking, 'upstreamName' | 'position' | 'mark'>;

/** Handled types of an upstream, and the version that they replace. */
export interface TypesChange {
  readonly upstreamName: string;
  readonly expectedVersion: number;
  readonly types: readonly string[];
}

/** The positions of one application in the logs of its upstreams. */
export class Positions {
  readonly #pipelines = new Map<number, Map<string, RecordedPosition>>();

  get(pipelineId: number, upstreamName: string): RecordedPosition {
    const known = this.#pipelines.get(pipelineId)?.get(upstreamName);
    return known ?? { pipelineId, upstreamName, position: 0, typesVersion: 0 };
  }

  /** Returns all positions, in the order of pipelines and of names by UTF-8 bytes. */
  all(): RecordedPosition[] {
    return inOrder([...this.#pipelines.values()].flatMap((positions) => [...positions.values()]));
  }

  move(pipelineId: number, { upstreamName, position, mark }: Move): void {
    const { mark: _, ...known } = this.get(pipelineId, upstreamName);
    this.#set({ ...known, position, ...(mark !== undefined && { mark }) });
  }

  setTypes(pipelineId: number, { upstreamName, expectedVersion, types }: TypesChange): void {
    const known = this.get(pipelineId, upstreamName);
    this.#set({ ...known, handledTypes: [...types], typesVersion: expectedVersion + 1 });
  }

  /**
   * Returns the last move of each position that process events move, or undefined if they move none.
   *
   * @throws {@link PositionConflictError} if a position, or the version of its handled types, is not as expected.
   */
  movesOf(
    applicationName: string,
    pipelineId: number,
    processEvents: readonly ProcessEvent[],
  ): Iterable<Move> | undefined {
    let moves: Map<string, Move> | undefined;
    for (const { tracking } of processEvents) {
      if (tracking === undefined) continue;
      const { upstreamName, expected, typesVersion = 0 } = tracking;
      const actual = this.get(pipelineId, upstreamName);
      const { position } = moves?.get(upstreamName) ?? actual;
      if (position !== expected || actual.typesVersion !== typesVersion) {
        const state: PositionState = { position: expected, typesVersion };
        throw new PositionConflictError(applicationName, upstreamName, state, actual);
      }
      moves ??= new Map();
      moves.set(upstreamName, tracking);
    }
    return moves?.values();
  }

  /** Throws {@link PositionConflictError} if the version of the handled types is not as expected. */
  assertTypesVersion(
    applicationName: string,
    pipelineId: number,
    { upstreamName, expectedVersion }: TypesChange,
  ): void {
    const actual = this.get(pipelineId, upstreamName);
    if (actual.typesVersion === expectedVersion) return;
    const expected: PositionState = { position: actual.position, typesVersion: expectedVersion };
    throw new PositionConflictError(applicationName, upstreamName, expected, actual);
  }

  #set(recorded: RecordedPosition): void {
    const { pipelineId, upstreamName } = recorded;
    const positions = this.#pipelines.get(pipelineId) ?? new Map<string, RecordedPosition>();
    positions.set(upstreamName, recorded);
    this.#pipelines.set(pipelineId, positions);
  }
}
