import type { ApplicationClass } from '../application/application.ts';

/** What an application is doing. */
export type ApplicationState =
  /** It is being opened. */
  | 'starting'
  /** It has nothing to do. */
  | 'idle'
  /** It processes notifications, or is about to. */
  | 'running'
  /** Its storage is busy or away, or it waits for another pipeline; it tries again. */
  | 'interrupted'
  /** Its thread or process has died and is started again. */
  | 'restarting'
  /** It has failed and is stopped until the next start of the system. */
  | 'failed'
  /** It was closed. */
  | 'stopped'
  /** This runner does not run it; another one may. */
  | 'elsewhere';

/** How far an application is in the log of an upstream. */
export interface UpstreamStatus {
  readonly upstreamName: string;
  /** The last notification whose processing is on record. */
  readonly position: number;
  /** How many notifications follow in the log. */
  readonly lag: number;
}

/** How an application is doing. */
export interface ApplicationStatus {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly state: ApplicationState;
  readonly upstreams: readonly UpstreamStatus[];
  /** What failed or interrupted it last, if anything has since the start. */
  readonly lastError: unknown;
}

/** A running system. Close it, or declare it with `await using`. */
export interface SystemRunner<Apps extends ApplicationClass = ApplicationClass> extends AsyncDisposable {
  /** The application of this class, to call its commands and read its aggregates. */
  get<A extends Apps>(kind: A): InstanceType<A>;
  /** Resolves when nothing is left to process anywhere; rejects when an application has failed. */
  caughtUp(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** How all applications are doing, in the order of definition, as of the storage. */
  status(): Promise<readonly ApplicationStatus[]>;
  /** Lets the work under way end and releases everything. Calling it again does nothing. */
  close(): Promise<void>;
}
