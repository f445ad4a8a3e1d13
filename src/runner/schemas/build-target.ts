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

/** Tells when a new schema has caught up: it has reached the heads that the logs had at the check before. */
export class BuildTarget {
  readonly #projection: BuiltProjection;
  #targets: readonly Target[] | undefined;

  constructor(projection: BuiltProjection) {
    this.#projection = projection;
  }

  /** Returns whether the targets of the last check are reached. If not, the present heads are the next targets. */
  async isReached(): Promise<boolean> {
    const positions = await this.#projection.recorder.positions();
    const isReached = this.#targets?.every((target) => {
      const found = positions.find(
        ({ pipelineId, upstreamName }) =>
          pipelineId === target.pipelineId && upstreamName === target.upstreamName,
      );
      return (found?.position ?? 0) >= target.position;
    });
    if (isReached) return true;
    this.#targets = [...(await this.#heads()), ...(await this.#livePositions())];
    return false;
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
