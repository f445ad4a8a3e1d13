import type { ObjectContext, ObjectSharedContext } from '@restatedev/restate-sdk';
import type { Interruption } from '../../../runner/runner.ts';
import type { SystemGraph } from '../../../system/graph.ts';
import type { PortableError } from '../../../util/portable-error.ts';

// Messages and answers of the actors: plain data that the engine stores, so they must not hold secrets. The names of
// handlers and fields are durable: calls under way may have been made by another version.

/** Request of a runner to start a system or join it. */
export interface StartSystem {
  readonly graph: SystemGraph;
  readonly pipelineIds: readonly number[];
  readonly pollIntervalMs: number;
  /** Id of the runner. */
  readonly callerId: string;
}

export type SystemStarted =
  | { readonly isRefused: false }
  | { readonly isRefused: true; readonly reason: string };

/** An application that follows others. */
export interface FollowingApplication {
  readonly applicationName: string;
  readonly upstreamNames: readonly string[];
}

/** Starts a pipeline, or resumes its failed applications. */
export interface StartPipeline extends Pick<StartCoordinator, 'runId' | 'pollIntervalMs'> {
  readonly followers: readonly FollowingApplication[];
}

/** Starts an application in a pipeline, or resumes it after a failure. */
export interface StartCoordinator {
  /** Id of this run of the system, from a start to a shutdown. Messages of earlier runs are ignored. */
  readonly runId: string;
  readonly pollIntervalMs: number;
  readonly upstreamNames: readonly string[];
}

/** A prompt: the log of an application has grown, or a caller waits until its followers have recorded their positions. */
export interface LogGrown {
  readonly applicationName: string;
  /** Id of the last notification that the sender knows of; 0 if it knows none, and in prompts of callers that wait. */
  readonly head: number;
}

/** Logs to read, by application name, each with its least known head. With `positionsRequest`, positions are requested. */
export type Heads = Readonly<Record<string, number>>;

/** Request to a worker to process some logs. */
export interface Step {
  readonly runId: string;
  /** Number of the step in this run, from 1. */
  readonly number: number;
  readonly upstreams: Heads;
}

/** Result of a step. */
export interface StepResult {
  /** Head of the application's own log after the step; undefined if unknown. */
  readonly head: number | undefined;
  /** Upstreams with more notifications to process. */
  readonly more: readonly string[];
  readonly trouble?: StepFailure;
}

/** The error that ended a step early. */
export interface StepFailure {
  readonly error: PortableError;
  /** Upstreams to retry later; undefined if the error is not transient. */
  readonly aside: readonly string[] | undefined;
  /** When the step failed, in ms since 1970; missing in steps of a service of an older version. */
  readonly failedAt?: number;
}

/** Report of a worker to its coordinator. */
export interface StepDone {
  readonly runId: string;
  readonly number: number;
  readonly result: StepResult;
}

/** Status of an application in a pipeline. */
export interface ProcessStatus {
  readonly applicationName: string;
  readonly state: 'idle' | 'running' | 'interrupted' | 'failed' | 'stopped';
  readonly lastError?: PortableError;
  readonly interruption?: Interruption;
}

export interface SystemActor {
  start(ctx: ObjectContext, message: StartSystem): Promise<SystemStarted>;
  /** Cancels all future work and resolves with the keys of the workers, whose steps may still be running. */
  stop(ctx: ObjectContext): Promise<readonly string[]>;
  /** Stops the system and resolves when the last step has ended. */
  shutDown(ctx: ObjectSharedContext): Promise<void>;
  /** Stops the actors that a runner has started, unless another runner has joined. */
  takeBack(ctx: ObjectContext, message: Pick<StartSystem, 'callerId'>): Promise<void>;
}

export interface PipelineActor {
  start(ctx: ObjectContext, message: StartPipeline): Promise<void>;
  /** Resolves with the keys of the workers. */
  stop(ctx: ObjectContext): Promise<readonly string[]>;
  /** Forwards a prompt to all followers of the log; resolves when they have received it. */
  prompt(ctx: ObjectSharedContext, message: LogGrown): Promise<void>;
  /** Makes an application of the pipeline that has failed try again. */
  restart(ctx: ObjectSharedContext, applicationName: string): Promise<void>;
  status(ctx: ObjectSharedContext): Promise<readonly ProcessStatus[]>;
}

export interface ProcessCoordinator {
  start(ctx: ObjectContext, message: StartCoordinator): Promise<void>;
  stop(ctx: ObjectContext): Promise<void>;
  prompt(ctx: ObjectContext, message: LogGrown): Promise<void>;
  /** Reads all upstream logs, in case prompts were lost. */
  poll(ctx: ObjectContext): Promise<void>;
  /** Retries the upstreams that were set aside. */
  resume(ctx: ObjectContext): Promise<void>;
  /** Tries again after a failure. */
  restart(ctx: ObjectContext): Promise<void>;
  done(ctx: ObjectContext, message: StepDone): Promise<void>;
  status(ctx: ObjectSharedContext): Promise<ProcessStatus>;
}

export interface ProcessWorker {
  process(ctx: ObjectContext, step: Step): Promise<void>;
  /** Resolves when the current step has ended. */
  stop(ctx: ObjectContext): Promise<void>;
}
