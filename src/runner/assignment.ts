import { followersIn, type SystemGraph, upstreamsOf } from '../system/graph.ts';

/** An application in a pipeline and the upstreams that it follows: the work of one worker or actor. */
export interface Assignment {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly upstreamNames: readonly string[];
}

/** Returns an assignment for each application that follows others, in each of the pipelines. */
export function assignmentsOf(graph: SystemGraph, pipelineIds: readonly number[]): readonly Assignment[] {
  return pipelineIds.flatMap((pipelineId) =>
    followersIn(graph).map((name) => ({
      applicationName: name,
      pipelineId,
      upstreamNames: upstreamsOf(graph, name),
    })),
  );
}

/** Display name of an assignment; omits the pipeline when it is 0. */
export function nameOf({
  applicationName,
  pipelineId,
}: Pick<Assignment, 'applicationName' | 'pipelineId'>): string {
  return pipelineId === 0 ? applicationName : `${applicationName} (pipeline ${pipelineId})`;
}
