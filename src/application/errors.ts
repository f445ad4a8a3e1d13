import type { LogPlace } from '../storage/stored-event.ts';
import { KahnError, messageOf } from '../util/errors.ts';

/** There is no such aggregate, or not at that version, or it is discarded. */
export class AggregateNotFoundError extends KahnError {
  override readonly code = 'AGGREGATE_NOT_FOUND';
  readonly applicationName: string;
  readonly originatorId: string;

  constructor(applicationName: string, kind: string, originatorId: string, version?: number) {
    const at = version === undefined ? '' : ` at version ${version}`;
    super(`Application '${applicationName}' has no ${kind} '${originatorId}'${at}.`);
    this.applicationName = applicationName;
    this.originatorId = originatorId;
  }
}

/** An application was used before it was opened or after it was closed. */
export class ApplicationNotOpenError extends KahnError {
  override readonly code = 'APPLICATION_NOT_OPEN';
  readonly applicationName: string;

  constructor(applicationName: string, state: 'closed' | 'not opened') {
    super(
      `Application '${applicationName}' is ${state}: ` +
        'get it from a running runner, or open it with its class method open(), and use it before it is closed.',
    );
    this.applicationName = applicationName;
  }
}

/** An application that belongs to a runner was closed by itself: the others would wait for it in vain. */
export class ApplicationOwnedByRunnerError extends KahnError {
  override readonly code = 'APPLICATION_OWNED_BY_RUNNER';
  readonly applicationName: string;

  constructor(applicationName: string) {
    super(`Application '${applicationName}' belongs to its runner: close the runner instead.`);
    this.applicationName = applicationName;
  }
}

/** An application that works for others in one pipeline was told to go on in another one. */
export class PipelineFixedError extends KahnError {
  override readonly code = 'PIPELINE_FIXED';
  readonly applicationName: string;
  readonly pipelineId: number;

  constructor(applicationName: string, pipelineId: number) {
    super(
      `Application '${applicationName}' stays in pipeline ${pipelineId}, where it follows others or its runner needs it: ` +
        'open another one for another pipeline, or use a runner of several pipelines.',
    );
    this.applicationName = applicationName;
    this.pipelineId = pipelineId;
  }
}

/** An application class lacks something that every application needs, or has it wrong. */
export class InvalidApplicationError extends KahnError {
  override readonly code = 'INVALID_APPLICATION';
}

/** An event's type is not among those its application declares in `static emits`. */
export class UndeclaredEventError extends KahnError {
  override readonly code = 'UNDECLARED_EVENT';
  readonly applicationName: string;
  readonly eventType: string;

  constructor(applicationName: string, eventType: string) {
    super(
      `Application '${applicationName}' cannot record '${eventType}': it is not among its 'static readonly emits'. ` +
        'Add it there, so that followers and the graph of the system know it.',
    );
    this.applicationName = applicationName;
    this.eventType = eventType;
  }
}

/** More saves wait for the storage than can be held; await the earlier ones first. */
export class TooManySavesError extends KahnError {
  override readonly code = 'TOO_MANY_SAVES';
}

/** A policy called `save()`: what it does is recorded with the position upstream, by itself. */
export class SaveInPolicyError extends KahnError {
  override readonly code = 'SAVE_IN_POLICY';
  readonly applicationName: string;

  constructor(applicationName: string, policyOf: string) {
    super(
      `The policy of application '${policyOf}' called save() on '${applicationName}'. A policy does not save: ` +
        'it returns new aggregates and changes those it gets from its repository, and all of it is recorded ' +
        'together with the position upstream.',
    );
    this.applicationName = applicationName;
  }
}

/** A policy gave back something that cannot be recorded, or went on after it had returned. */
export class InvalidPolicyError extends KahnError {
  override readonly code = 'INVALID_POLICY';
}

/** A notification log does not fit what a follower knows of it: notifications are missing. */
export class LogMismatchError extends KahnError {
  override readonly code = 'LOG_MISMATCH';
  readonly applicationName: string;
  readonly upstreamName: string;

  constructor(applicationName: string, upstreamName: string, what: string) {
    super(
      `Application '${applicationName}' cannot follow '${upstreamName}': ${what} ` +
        'Has its storage been replaced, or restored from an older backup? Restore both as of the same moment.',
    );
    this.applicationName = applicationName;
    this.upstreamName = upstreamName;
  }
}

/**
 * A notification depends on one that its application has not processed yet in another pipeline. It is processed after
 * that, as is all that follows in the same log.
 */
export class CausalDependencyError extends KahnError {
  override readonly code = 'CAUSAL_DEPENDENCY';
  readonly applicationName: string;
  readonly upstreamName: string;
  /** The pipeline that waits. */
  readonly pipelineId: number;
  /** The notification that waits. */
  readonly notificationId: number;
  /** What it waits for, in another log of the same upstream. */
  readonly dependency: LogPlace;

  constructor(
    waiting: Pick<
      CausalDependencyError,
      'applicationName' | 'upstreamName' | 'pipelineId' | 'notificationId'
    >,
    dependency: LogPlace,
  ) {
    const { applicationName, upstreamName, pipelineId, notificationId } = waiting;
    super(
      `Application '${applicationName}' waits in pipeline ${pipelineId} with notification ${notificationId} of ` +
        `'${upstreamName}': it depends on notification ${dependency.notificationId} of pipeline ` +
        `${dependency.pipelineId}, which '${applicationName}' has not processed there yet. ` +
        `It goes on by itself once pipeline ${dependency.pipelineId} has; make sure that it runs.`,
    );
    this.applicationName = applicationName;
    this.upstreamName = upstreamName;
    this.pipelineId = pipelineId;
    this.notificationId = notificationId;
    this.dependency = dependency;
  }
}

/** Where a policy failed. */
export interface FailedNotification {
  readonly applicationName: string;
  readonly upstreamName: string;
  readonly pipelineId: number;
  readonly notificationId: number;
  readonly eventType: string;
  readonly originatorId: string;
}

/** A policy failed on one notification. Everything before it is recorded, nothing of it is. */
export class PolicyError extends KahnError implements FailedNotification {
  override readonly code = 'POLICY_FAILED';
  readonly applicationName: string;
  readonly upstreamName: string;
  readonly pipelineId: number;
  readonly notificationId: number;
  readonly eventType: string;
  readonly originatorId: string;

  constructor(failed: FailedNotification, cause: unknown) {
    super(
      `The policy of application '${failed.applicationName}' failed on notification ${failed.notificationId} ` +
        `of '${failed.upstreamName}' ('${failed.eventType}' of aggregate '${failed.originatorId}'): ${messageOf(cause)}`,
      { cause },
    );
    this.applicationName = failed.applicationName;
    this.upstreamName = failed.upstreamName;
    this.pipelineId = failed.pipelineId;
    this.notificationId = failed.notificationId;
    this.eventType = failed.eventType;
    this.originatorId = failed.originatorId;
  }
}
