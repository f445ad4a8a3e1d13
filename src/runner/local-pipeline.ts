import { type Application, applicationInternals } from '../application/application.ts';
import { ProcessApplication, processApplicationInternals } from '../application/process-application.ts';
import { followersIn, intermediatesOf, type SystemGraph } from '../system/graph.ts';

/** The only pipeline that the single-threaded and the stepping runners run. */
export const localPipelineId = 0;

/** The followers of each application, by its name, in the order of definition. */
export type FollowersByUpstream = ReadonlyMap<string, readonly ProcessApplication[]>;

/** Makes the applications of one thread follow each other's logs. */
export function followLocally(
  graph: SystemGraph,
  applications: ReadonlyMap<string, Application>,
  batchSize: number,
): FollowersByUpstream {
  const recorderOf = (name: string) =>
    applicationInternals.storeOf(applications.get(name) as Application).recorder;
  for (const name of followersIn(graph)) {
    const intermediates = intermediatesOf(graph, name).map((one) => [one, recorderOf(one)] as const);
    processApplicationInternals.setIntermediates(
      applications.get(name) as ProcessApplication, // it follows others
      new Map(intermediates),
    );
  }
  const followers = new Map<string, ProcessApplication[]>();
  for (const { upstream, downstream } of graph.edges) {
    const application = applications.get(downstream);
    const log = applications.get(upstream)?.log;
    if (!(application instanceof ProcessApplication) || log === undefined) continue;
    application.follow(log, batchSize);
    followers.set(upstream, [...(followers.get(upstream) ?? []), application]);
  }
  return followers;
}
