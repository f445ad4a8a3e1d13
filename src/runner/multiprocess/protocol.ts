import type { PortableError } from '../../util/portable-error.ts';
import type { ApplicationState } from '../runner.ts';
import type { Assignment } from '../asynchronous/assignment.ts';
import type { OpeningTask } from '../supervised/open-application.ts';

/** What a process is to do: plain data. */
export interface ProcessTask extends OpeningTask {
  readonly role: Assignment;
  readonly pollIntervalMs: number;
  /** The process without which it is not to go on. */
  readonly parentPid: number;
}

/** What a process is told. */
export type Order =
  /** The first of all; secrets of the storage are in it, so it is no argument that others could see. */
  | { readonly kind: 'task'; readonly task: ProcessTask }
  /** These logs have grown; no more is sent until it is answered by `taken`. */
  | { readonly kind: 'prompt'; readonly upstreamNames: readonly string[] }
  /** The last report was taken: the next one may come. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'close' };

/** What a process says. */
export type Answer =
  | { readonly kind: 'ready' }
  /** The last prompt was taken: the next one may come. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'failed'; readonly error: PortableError }
  /** It dies of this, unless somebody in it listens for uncaught exceptions. */
  | { readonly kind: 'uncaught'; readonly error: PortableError }
  | { readonly kind: 'closed' };

/** How an application got on since the last report. */
export interface Report {
  readonly state?: ApplicationState;
  /** Whether its own log has grown. */
  readonly hasGrown?: boolean;
  readonly prompted?: readonly string[];
  /** How many notifications of which upstreams it has processed. */
  readonly processed?: Readonly<Record<string, number>>;
  readonly interrupted?: PortableError;
}

/** Two reports in one, which is no larger for it. */
export function mergedReports(earlier: Report, later: Report): Report {
  const processed = { ...earlier.processed };
  for (const [name, count] of Object.entries(later.processed ?? {}))
    processed[name] = (processed[name] ?? 0) + count;
  return {
    ...earlier,
    ...later,
    prompted: mergedNames(earlier.prompted ?? [], later.prompted ?? []),
    processed,
  };
}

/** The names in either, each once. */
export function mergedNames(earlier: readonly string[], later: readonly string[]): readonly string[] {
  return [...new Set([...earlier, ...later])];
}
