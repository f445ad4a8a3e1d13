import { isDeepStrictEqual } from 'node:util';
import type { SchemaRecorder } from '../../application/projection/schema-recorder.ts';
import type { Recorder } from '../../storage/recorder.ts';

/** A projection whose schema may be built, and the logs that it follows. */
export interface BuiltProjection {
  readonly recorder: SchemaRecorder;
  readonly upstreams: ReadonlyMap<string, Recorder>;
  /** Pipelines that the runner runs. */
  readonly pipelineIds: readonly number[];
}

/** A position that the new schema has to reach. */
interface Target {
  readonly pipelineId: number;
  readonly upstreamName: string;
  readonly position: number;
}

/** A target that is not reached. */
interface Missing extends Target {
  /** Position of the new schema. */
  readonly reached: number;
}

/** Number of checks without progress after which nothing builds a pipeline. */
const idleChecks = 20;

/** Tells when a new schema has caught up: it has reached the heads that the logs had at the check before. */
export class BuildTarget {
  readonly #projection: BuiltProjection;
  #targets: readonly Target[] | undefined;
  #missing: readonly Missing[] = [];
  #idleChecks = 0;

  constructor(projection: BuiltProjection) {
    this.#projection = projection;
  }

  /**
   * Pipelines in which the live schema has rows, but nothing builds the new one, as far as is known: this runner does not
   * run them, and their positions have not moved for many checks. Empty while this runner still builds its own pipelines.
   */
  get unbuiltPipelines(): readonly number[] {
    if (this.#idleChecks < idleChecks) return [];
    return [...new Set(this.#missing.map(({ pipelineId }) => pipelineId))].sort((a, b) => a - b);
  }

  /** Returns whether the targets of the last check are reached. If not, the present heads are the next targets. */
  async isReached(): Promise<boolean> {
    const positions = await this.#projection.recorder.positions();
    const missing = (this.#targets ?? []).flatMap((target) => {
      const found = positions.find(
        ({ pipelineId, upstreamName }) =>
          pipelineId === target.pipelineId && upstreamName === target.upstreamName,
      );
      const reached = found?.position ?? 0;
      return reached < target.position ? [{ ...target, reached }] : [];
    });
    this.#noteMissing(missing);
    if (this.#targets !== undefined && missing.length === 0) return true;
    this.#targets = [...(await this.#heads()), ...(await this.#livePositions())];
    return false;
  }

  #noteMissing(missing: readonly Missing[]): void {
    const { pipelineIds } = this.#projection;
    const isIdle =
      missing.every(({ pipelineId }) => !pipelineIds.includes(pipelineId)) &&
      isDeepStrictEqual(missing, this.#missing);
    this.#idleChecks = isIdle ? this.#idleChecks + 1 : 0;
    this.#missing = missing;
  }

  async #heads(): Promise<readonly Target[]> {
    const { upstreams, pipelineIds } = this.#projection;
    const targets: Target[] = [];
    for (const [upstreamName, recorder] of upstreams) {
      for (const pipelineId of pipelineIds)
        targets.push({ pipelineId, upstreamName, position: await recorder.head(pipelineId) });
    }
    return targets;
  }

  /** Returns the positions of the live schema: runners of other pipelines must have built these, too. */
  async #livePositions(): Promise<readonly Target[]> {
    const { recorder, upstreams } = this.#projection;
    const { live } = recorder.schema.history;
    if (live === undefined) return [];
    const positions = await (await recorder.liveRows.recorderOf(live.schema)).positions();
    return positions.filter(({ upstreamName }) => upstreams.has(upstreamName));
  }
}
