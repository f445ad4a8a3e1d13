import type { Application } from '../../application/application.ts';
import { ProcessApplication } from '../../application/process-application.ts';
import type { SystemGraph } from '../../system/graph.ts';

/** Who follows an application, by its name, in the order of definition. */
export type Followers = ReadonlyMap<string, readonly ProcessApplication[]>;

/** Makes applications of one thread follow each other's logs. */
export function followEdges(
  { edges }: SystemGraph,
  applications: ReadonlyMap<string, Application>,
  batchSize: number | undefined,
): Followers {
  const followers = new Map<string, ProcessApplication[]>();
  for (const { upstream, downstream } of edges) {
    const application = applications.get(downstream);
    const log = applications.get(upstream)?.log;
    if (!(application instanceof ProcessApplication) || log === undefined) continue;
    application.follow(log, batchSize);
    followers.set(upstream, [...(followers.get(upstream) ?? []), application]);
  }
  return followers;
}
