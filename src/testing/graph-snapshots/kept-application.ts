import type { ApplicationSnapshot } from './graph-snapshot.ts';

/** An application that is in the graph before and after a change. */
export interface KeptApplication {
  readonly name: string;
  /** Its name before the change. */
  readonly earlierName: string;
  /** Its earlier snapshot, in which upstreams have their present names. */
  readonly before: ApplicationSnapshot;
  readonly after: ApplicationSnapshot;
}
