import { type Application, applicationInternals } from '../application/application.ts';
import { followedLog } from '../application/log/sectioned-log.ts';
import { ProcessApplication, processApplicationInternals } from '../application/process-application.ts';
import { followersIn, intermediatesOf, type SystemGraph } from '../system/graph.ts';
import type { ResolvedRunnerOptions } from './runner-options.ts';

/** The only pipeline that the single-threaded and the stepping runners run. */
export const localPipelineId = 0;

/** How applications follow logs. */
type FollowingOptions = Pick<ResolvedRunnerOptions, 'batchSize' | 'useDirectQueryIfAvailable'>;

/** Makes the applications of one thread follow each other's logs. */
export function followLocally(
  graph: SystemGraph,
  applications: ReadonlyMap<string, Application>,
  { batchSize, useDirectQueryIfAvailable }: FollowingOptions,
): void {
  const recorderOf = (name: string) =>
    applicationInternals.storeOf(applications.get(name) as Application).recorder;
  for (const name of followersIn(graph)) {
    const intermediates = intermediatesOf(graph, name).map((one) => [one, recorderOf(one)] as const);
    processApplicationInternals.setIntermediates(
      applications.get(name) as ProcessApplication, // it follows others
      new Map(intermediates),
    );
  }
  for (const { upstream, downstream } of graph.edges) {
    const application = applications.get(downstream);
    const log = applications.get(upstream)?.log;
    if (!(application instanceof ProcessApplication) || log === undefined) continue;
    application.follow(followedLog(log, useDirectQueryIfAvailable), batchSize);
  }
}
