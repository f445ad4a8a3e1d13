import { PositionConflictError, type PositionState } from '../errors.ts';
import { inOrder } from '../name-order.ts';
import type { ProcessEvent, RecordedPosition, Tracking } from '../recorder.ts';

/** Position and mark to which an upstream's position is moved. */
export type Move = Pick<Tracking, 'upstreamName' | 'position' | 'mark'>;

/** Handled types of an upstream, and the version that they replace. */
export interface TypesChange {
  readonly upstreamName: string;
  readonly expectedVersion: number;
  readonly types: readonly string[];
}

/** What is recorded for one upstream. */
interface Entry {
  /** The last move; its mark may be computed when it is read. */
  move: Move | undefined;
  handledTypes: readonly string[] | undefined;
  typesVersion: number;
}

/** The positions of one application in the logs of its upstreams. */
export class Positions {
  readonly #pipelines = new Map<number, Map<string, Entry>>();

  get(pipelineId: number, upstreamName: string): RecordedPosition {
    return toPosition(pipelineId, upstreamName, this.#find(pipelineId, upstreamName));
  }

  /** Returns all positions, in the order of pipelines and of names by UTF-8 bytes. */
  all(): RecordedPosition[] {
    const all: RecordedPosition[] = [];
    for (const [pipelineId, entries] of this.#pipelines) {
      for (const [upstreamName, entry] of entries) all.push(toPosition(pipelineId, upstreamName, entry));
    }
    return inOrder(all);
  }

  move(pipelineId: number, move: Move): void {
    this.#entry(pipelineId, move.upstreamName).move = move;
  }

  setTypes(pipelineId: number, { upstreamName, expectedVersion, types }: TypesChange): void {
    const entry = this.#entry(pipelineId, upstreamName);
    entry.handledTypes = [...types];
    entry.typesVersion = expectedVersion + 1;
  }

  /**
   * Throws {@link PositionConflictError} if a position that process events move, or the version of its handled types, is
   * not as expected.
   */
  assertMoves(applicationName: string, pipelineId: number, processEvents: readonly ProcessEvent[]): void {
    let moved: Map<string, number> | undefined;
    for (const { tracking } of processEvents) {
      if (tracking === undefined) continue;
      const { upstreamName, expected, typesVersion = 0 } = tracking;
      const entry = this.#find(pipelineId, upstreamName);
      const position = moved?.get(upstreamName) ?? entry?.move?.position ?? 0;
      if (position !== expected || (entry?.typesVersion ?? 0) !== typesVersion) {
        const state: PositionState = { position: expected, typesVersion };
        const actual = this.get(pipelineId, upstreamName);
        throw new PositionConflictError(applicationName, upstreamName, state, actual);
      }
      if (processEvents.length === 1) return;
      moved ??= new Map();
      moved.set(upstreamName, tracking.position);
    }
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

  #find(pipelineId: number, upstreamName: string): Entry | undefined {
    return this.#pipelines.get(pipelineId)?.get(upstreamName);
  }

  #entry(pipelineId: number, upstreamName: string): Entry {
    const known = this.#find(pipelineId, upstreamName);
    if (known !== undefined) return known;
    const entries = this.#pipelines.get(pipelineId) ?? new Map<string, Entry>();
    const entry: Entry = { move: undefined, handledTypes: undefined, typesVersion: 0 };
    entries.set(upstreamName, entry);
    this.#pipelines.set(pipelineId, entries);
    return entry;
  }
}

function toPosition(pipelineId: number, upstreamName: string, entry: Entry | undefined): RecordedPosition {
  const { move, handledTypes, typesVersion = 0 } = entry ?? {};
  const { position = 0, mark } = move ?? {};
  return {
    pipelineId,
    upstreamName,
    position,
    typesVersion,
    ...(mark !== undefined && { mark }),
    ...(handledTypes !== undefined && { handledTypes }),
  };
}
