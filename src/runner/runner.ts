import type { ApplicationClass } from '../application/application.ts';
import type { StorageDescription } from '../storage/storage.ts';
import type { System } from '../system/system.ts';

/** State of an application on a runner. */
export type ApplicationState =
  /** The runner opens the application. */
  | 'starting'
  /** The application has no notifications to process. */
  | 'idle'
  /** The application processes notifications, or is about to. */
  | 'running'
  /** The storage is busy or unavailable, or the application waits for another pipeline; the runner retries. */
  | 'interrupted'
  /** The thread or process of the application died and is being replaced. */
  | 'restarting'
  /** The application failed and is stopped until the next start of the system. */
  | 'failed'
  /** The application is closed. */
  | 'stopped'
  /** This runner does not run the application; another runner may. */
  | 'elsewhere';

/** Progress of an application in the log of an upstream. */
export interface UpstreamStatus {
  readonly upstreamName: string;
  /** Id of the last notification whose processing is recorded. */
  readonly position: number;
  /** Number of notifications in the log after the position. */
  readonly lag: number;
}

/** State and progress of an application. */
export interface ApplicationStatus {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly state: ApplicationState;
  readonly upstreams: readonly UpstreamStatus[];
  /** Last error that stopped or interrupted the application since the start, if any. */
  readonly lastError: unknown;
}

/** A running system. Close it, or declare it with `await using`. */
export interface SystemRunner<Apps extends ApplicationClass = ApplicationClass> extends AsyncDisposable {
  /** The system that runs. */
  readonly system: System;
  /**
   * Storage of the system.
   *
   * @throws {@link RunnerClosedError} if the runner is closed.
   */
  readonly storage: StorageDescription;
  /**
   * Returns the application of this class in a pipeline; without a pipeline, in the first pipeline that the runner
   * runs. The application stays in its pipeline.
   *
   * @throws {@link UnknownApplicationError} if the class is not an application of the system.
   * @throws {@link InvalidOptionError} if the runner does not run that pipeline. Only `MultiprocessRunner`, which shares
   * a system with runners on other hosts, accepts every pipeline.
   * @throws {@link InvalidIdError} if the pipeline id is not an integer from 0 to 2147483647.
   */
  get<A extends Apps>(applicationClass: A, pipelineId?: number): InstanceType<A>;
  /**
   * Resolves when every application has processed all notifications.
   *
   * @throws {@link DownstreamError} if an application has failed.
   */
  caughtUp(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Reads the state and progress of all applications from the storage, in the order of definition. */
  status(): Promise<readonly ApplicationStatus[]>;
  /** Finishes the work under way and releases everything. Further calls do nothing. */
  close(): Promise<void>;
}
