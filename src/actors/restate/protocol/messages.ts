import type { ObjectContext, ObjectSharedContext } from '@restatedev/restate-sdk';
import type { SystemGraph } from '../../../system/graph.ts';
import type { PortableError } from '../../../util/portable-error.ts';

// What actors are told and answer: plain data, which the engine keeps. No secret may be in it.

/** A runner wants the system to run. */
export interface StartSystem {
  readonly graph: SystemGraph;
  readonly pipelineIds: readonly number[];
  readonly pollIntervalMs: number;
  /** Tells the runner from others. */
  readonly callerId: string;
}

/** What becomes of that. */
export type SystemStarted =
  | { readonly isRefused: false }
  | { readonly isRefused: true; readonly reason: string };

/** An application that follows others. */
export interface Follower {
  readonly applicationName: string;
  readonly upstreamNames: readonly string[];
}

/** Starts a pipeline, or lets it try again where it has failed. */
export interface StartPipeline extends Pick<Start, 'runId' | 'pollIntervalMs'> {
  readonly followers: readonly Follower[];
}

/** Starts an application in a pipeline, or lets it try again after it has failed. */
export interface Start {
  /** Tells this run of the system, from a start to a shutdown, from those before: what they have left is ignored. */
  readonly runId: string;
  readonly pollIntervalMs: number;
  readonly upstreamNames: readonly string[];
}

/** A log has grown. */
export interface LogGrown {
  readonly applicationName: string;
  /** The id of its last notification, as far as it is known; 0 if it is not. */
  readonly head: number;
}

/** Logs to be looked at by their applications' names, with how long they are at least. */
export type Heads = Readonly<Record<string, number>>;

/** A worker is to take a step. */
export interface Step {
  readonly runId: string;
  /** Steps are counted. */
  readonly number: number;
  readonly upstreams: Heads;
}

/** What came of a step. */
export interface StepResult {
  /** The head of the application's own log after it, if it is known. */
  readonly head: number | undefined;
  /** The upstreams of which there is more to process. */
  readonly more: readonly string[];
  readonly trouble?: Trouble;
}

/** Why a step could not be brought to an end. */
export interface Trouble {
  readonly error: PortableError;
  /** Which upstreams are to be tried again after a while; undefined if it does not pass by itself. */
  readonly aside: readonly string[] | undefined;
}

/** A worker has taken a step. */
export interface StepDone {
  readonly runId: string;
  readonly number: number;
  readonly result: StepResult;
}

/** How an application in a pipeline is doing. */
export interface ProcessStatus {
  readonly applicationName: string;
  readonly state: 'idle' | 'running' | 'interrupted' | 'failed' | 'stopped';
  readonly lastError?: PortableError;
}

export interface SystemActor {
  start(ctx: ObjectContext, message: StartSystem): Promise<SystemStarted>;
  /** Ends what is to come; resolves with the keys of the workers, which may have a step under way. */
  stop(ctx: ObjectContext): Promise<readonly string[]>;
  /** Stops it, and resolves when nothing of it runs any more. */
  shutDown(ctx: ObjectSharedContext): Promise<void>;
  /** Stops what a runner has begun to start, unless others have joined it. */
  takeBack(ctx: ObjectContext, message: Pick<StartSystem, 'callerId'>): Promise<void>;
}

export interface PipelineActor {
  start(ctx: ObjectContext, message: StartPipeline): Promise<void>;
  /** Resolves with the keys of the workers. */
  stop(ctx: ObjectContext): Promise<readonly string[]>;
  /** Passes a prompt on to whoever follows the log; resolves when they know. */
  prompt(ctx: ObjectSharedContext, message: LogGrown): Promise<void>;
  status(ctx: ObjectSharedContext): Promise<readonly ProcessStatus[]>;
}

export interface ProcessCoordinator {
  start(ctx: ObjectContext, message: Start): Promise<void>;
  stop(ctx: ObjectContext): Promise<void>;
  prompt(ctx: ObjectContext, message: LogGrown): Promise<void>;
  /** Looks for what no prompt has told of. */
  poll(ctx: ObjectContext): Promise<void>;
  /** Tries again after an interruption. */
  resume(ctx: ObjectContext): Promise<void>;
  done(ctx: ObjectContext, message: StepDone): Promise<void>;
  status(ctx: ObjectSharedContext): Promise<ProcessStatus>;
}

export interface ProcessWorker {
  process(ctx: ObjectContext, step: Step): Promise<void>;
  /** Resolves after the step under way. */
  stop(ctx: ObjectContext): Promise<void>;
}
