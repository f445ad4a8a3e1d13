import { followersIn, type SystemGraph, upstreamsOf } from '../../system/graph.ts';

/** One application of a thread's or process's own, and whom it follows. */
export interface Assignment {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly upstreamNames: readonly string[];
}

/** Those that there are in some pipelines: one for each application that follows others. */
export function assignmentsOf(graph: SystemGraph, pipelineIds: readonly number[]): readonly Assignment[] {
  return pipelineIds.flatMap((pipelineId) =>
    followersIn(graph).map((name) => ({
      applicationName: name,
      pipelineId,
      upstreamNames: upstreamsOf(graph, name),
    })),
  );
}

/** As failures are told apart: pipeline 0 goes without saying. */
export function nameOf({
  applicationName,
  pipelineId,
}: Pick<Assignment, 'applicationName' | 'pipelineId'>): string {
  return pipelineId === 0 ? applicationName : `${applicationName} (pipeline ${pipelineId})`;
}
