import { type Application, applicationInternals } from '../application/application.ts';
import { fitOf } from '../application/log/mark.ts';
import { type SystemGraph, upstreamsOf } from '../system/graph.ts';
import type { ApplicationState, ApplicationStatus, UpstreamStatus } from './runner.ts';

/** Reads the progress of the applications of one pipeline from the storage. */
export function statusOf(
  graph: SystemGraph,
  applications: ReadonlyMap<string, Application>,
  stateOf: (applicationName: string) => { readonly state: ApplicationState; readonly lastError: unknown },
): Promise<readonly ApplicationStatus[]> {
  return Promise.all(
    graph.nodes.flatMap(({ name }) => {
      const application = applications.get(name);
      if (application === undefined) return [];
      const upstreams = upstreamsOf(graph, name).flatMap((upstream) => applications.get(upstream) ?? []);
      const { state, lastError } = stateOf(name);
      return Promise.all(upstreams.map((upstream) => upstreamStatus(application, upstream))).then((all) => ({
        applicationName: name,
        pipelineId: application.pipelineId,
        state,
        upstreams: all,
        lastError,
      }));
    }),
  );
}

async function upstreamStatus(
  application: Application,
  { applicationName, log }: Application,
): Promise<UpstreamStatus> {
  const { recorder } = applicationInternals.storeOf(application);
  // Read the position first: a log only grows, so the lag is negative only if the log was cut off.
  const recorded = await recorder.position(application.pipelineId, applicationName);
  const { position } = recorded;
  const { fits } = await fitOf(recorded, log);
  return { upstreamName: applicationName, position, lag: (await log.head()) - position, fitsLog: fits };
}
