import type { PortableError } from '../../util/portable-error.ts';
import type { Assignment } from '../assignment.ts';
import type { ApplicationState, Interruption } from '../runner.ts';
import type { OpeningTask } from '../supervised/open-application.ts';
import type { WorkerMessage } from '../supervised/worker.ts';

/** Plain data with which the process of an application is started. */
export interface ProcessTask extends OpeningTask {
  readonly assignment: Assignment;
  readonly pollIntervalMs: number;
  /** Whether positions behind ignored notifications are recorded as soon as the application is idle. */
  readonly recordsWhenIdle: boolean;
  /** Id of the parent process. The process ends when its parent is gone. */
  readonly parentPid: number;
}

/** Messages to a process. */
export type ParentMessage =
  /** The first message. It holds secrets of the storage, which arguments would show to other users. */
  | { readonly kind: 'task'; readonly task: ProcessTask }
  /** These logs have grown, or positions are requested by `positionsRequest`. The next prompt is sent after `taken`. */
  | { readonly kind: 'prompt'; readonly upstreamNames: readonly string[] }
  /** The last report was read. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'close' };

/** Messages from a process. */
export type ProcessMessage =
  | Extract<WorkerMessage, { kind: 'ready' | 'failed' | 'closed' }>
  /** The last prompt was read. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'report'; readonly report: ProcessReport }
  /** Error that ends the process, unless code in it listens for `uncaughtException`. */
  | { readonly kind: 'uncaught'; readonly error: PortableError };

/** Progress of an application since the last report. */
export interface ProcessReport {
  readonly state?: ApplicationState;
  /** Whether the log of the application has grown. */
  readonly hasGrown?: boolean;
  readonly prompted?: readonly string[];
  /** Numbers of processed notifications, by upstream. */
  readonly processed?: Readonly<Record<string, number>>;
  /** Whether the position of a replay was recorded behind more notifications. */
  readonly hasReplayed?: boolean;
  readonly interrupted?: { readonly error: PortableError; readonly interruption: Interruption };
}

export function mergeReports(earlier: ProcessReport, later: ProcessReport): ProcessReport {
  const processed = { ...earlier.processed };
  for (const [name, count] of Object.entries(later.processed ?? {}))
    processed[name] = (processed[name] ?? 0) + count;
  return {
    ...earlier,
    ...later,
    prompted: mergeNames(earlier.prompted ?? [], later.prompted ?? []),
    processed,
  };
}

/** Returns the names in either list, each once. */
export function mergeNames(earlier: readonly string[], later: readonly string[]): readonly string[] {
  return [...new Set([...earlier, ...later])];
}
