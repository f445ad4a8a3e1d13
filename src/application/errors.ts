import type { DomainEvent } from '../domain/event.ts';
import { KahnError } from '../util/errors.ts';
import { nearestOf } from '../util/nearest-name.ts';
import { timeText } from '../util/time.ts';

/** The application has no aggregate with this id, or not at this version, or the aggregate is discarded. */
export class AggregateNotFoundError extends KahnError {
  override readonly code = 'AGGREGATE_NOT_FOUND';
  declare readonly applicationName: string;
  declare readonly originatorId: string;

  constructor(applicationName: string, className: string, originatorId: string, version?: number) {
    const at = version === undefined ? '' : ` at version ${version}`;
    super(`Application '${applicationName}' has no ${className} '${originatorId}'${at}.`, {
      applicationName,
      originatorId,
    });
  }
}

/** An application was used before it was opened or after it was closed. */
export class ApplicationNotOpenError extends KahnError {
  override readonly code = 'APPLICATION_NOT_OPEN';
  declare readonly applicationName: string;

  constructor(applicationName: string, state: 'closed' | 'not opened') {
    super(
      `Application '${applicationName}' is ${state}. ` +
        'Get it from a running runner or open it with its static open(), and use it before it is closed.',
      { applicationName },
    );
  }
}

/** An application that belongs to a runner was closed directly. */
export class ApplicationOwnedByRunnerError extends KahnError {
  override readonly code = 'APPLICATION_OWNED_BY_RUNNER';
  declare readonly applicationName: string;

  constructor(applicationName: string) {
    super(`Application '${applicationName}' belongs to its runner: close the runner instead.`, {
      applicationName,
    });
  }
}

/** `changePipeline()` was called on an application that must stay in its pipeline. */
export class PipelineFixedError extends KahnError {
  override readonly code = 'PIPELINE_FIXED';
  declare readonly applicationName: string;
  declare readonly pipelineId: number;

  constructor(applicationName: string, pipelineId: number) {
    super(
      `Application '${applicationName}' cannot leave pipeline ${pipelineId}: it follows other applications there, or ` +
        'belongs to a runner. Open another instance for the other pipeline, or use a runner of several pipelines.',
      { applicationName, pipelineId },
    );
  }
}

/** A required static property of an application class is missing or invalid. */
export class InvalidApplicationError extends KahnError {
  override readonly code = 'INVALID_APPLICATION';
}

/** Share of letters that a misspelt event type gets wrong. Types of other applications may share more than half. */
const maxMisspelling = 0.2;

/** The type of an event is not listed in the `static emits` of its application. */
export class UndeclaredEventError extends KahnError {
  override readonly code = 'UNDECLARED_EVENT';
  declare readonly applicationName: string;
  declare readonly eventType: string;

  constructor(applicationName: string, eventType: string, emits: Iterable<string>) {
    const nearest = nearestOf(eventType, [...emits], maxMisspelling);
    const advice =
      nearest === undefined
        ? 'Add an event of this application there. Save an aggregate of another application by that application.'
        : `Did you mean '${nearest}'? If not, add the event there.`;
    super(
      `Application '${applicationName}' cannot record '${eventType}': it is not listed in its 'static readonly emits'. ${advice}`,
      { applicationName, eventType },
    );
  }
}

/**
 * `save()` got an event whose type is not listed in the `static saves` of the application. Nothing is recorded, and all
 * events stay pending.
 */
export class UnsavableEventError extends KahnError {
  override readonly code = 'UNSAVABLE_EVENT';
  declare readonly applicationName: string;
  declare readonly eventType: string;
  declare readonly originatorId: string;

  constructor(
    applicationName: string,
    { type: eventType, originatorId }: DomainEvent,
    saves: readonly string[],
  ) {
    const listed = saves.length === 0 ? 'no types' : saves.map((type) => `'${type}'`).join(', ');
    super(
      `Application '${applicationName}' does not save '${eventType}' of aggregate '${originatorId}': its 'static readonly ` +
        `saves' lists ${listed}. Let its policy make this event, or add the type there.`,
      { applicationName, eventType, originatorId },
    );
  }
}

/**
 * An aggregate has an event whose type its application does not declare, as after a newer version has recorded it. Without
 * this event its state would be wrong, so it is not loaded.
 */
export class UnknownEventError extends KahnError {
  override readonly code = 'UNKNOWN_EVENT';
  declare readonly applicationName: string;
  /** Name of the class as which the aggregate was loaded. */
  declare readonly className: string;
  declare readonly originatorId: string;
  declare readonly originatorVersion: number;
  declare readonly eventType: string;
  /** Time of the event, in ms since 1970. */
  declare readonly timestamp: number;

  constructor(applicationName: string, event: Omit<DomainEvent, 'data'>, className: string) {
    const { originatorId, originatorVersion, type: eventType, timestamp } = event;
    super(
      `Application '${applicationName}' cannot load ${className} '${originatorId}': its version ${originatorVersion} is an ` +
        `event of type '${eventType}', recorded at ${timeText(timestamp)}, which is not listed in ` +
        "'static readonly emits'. Run the version of the application that records it, or add it there, and to apply(): " +
        'the list holds also types that are not triggered any more. If the type was renamed or replaced, add it to the ' +
        'option `former` of defineEvents().',
      { applicationName, className, originatorId, originatorVersion, eventType, timestamp },
    );
  }
}

/** Too many saves wait for the storage: await earlier saves first. */
export class TooManySavesError extends KahnError {
  override readonly code = 'TOO_MANY_SAVES';
}

/** A policy called `save()` or `update()`. Its changes are recorded automatically, together with the position upstream. */
export class SaveInPolicyError extends KahnError {
  override readonly code = 'SAVE_IN_POLICY';
  declare readonly applicationName: string;

  constructor(applicationName: string, policyOf: string, method: string) {
    super(
      `The policy of application '${policyOf}' called ${method} on '${applicationName}'. A policy does not save: return ` +
        'new aggregates, and get others from the repository of the handler. Their changes are recorded together with ' +
        'the position upstream.',
      { applicationName },
    );
  }
}

/** A policy returned something that cannot be recorded, or used its repository after it had returned. */
export class InvalidPolicyError extends KahnError {
  override readonly code = 'INVALID_POLICY';
}

/** A policy took longer for an event than `static readonly handlerTimeoutMs` allows. What it does afterwards is refused. */
export class HandlerTimeoutError extends KahnError {
  override readonly code = 'HANDLER_TIMEOUT';
  declare readonly applicationName: string;
  declare readonly eventType: string;
  /** Longest time of a handler, in ms. */
  declare readonly timeoutMs: number;

  constructor(applicationName: string, eventType: string, timeoutMs: number) {
    super(
      `The policy of '${applicationName}' took longer than ${timeoutMs} ms for an event of type '${eventType}'. Let it end when ` +
        "`context.signal` is aborted, or raise 'static readonly handlerTimeoutMs'.",
      { applicationName, eventType, timeoutMs },
    );
  }
}

/** A policy with `applyPolicyToGeneratedEvents` answers its own events without an end. Nothing of it is recorded. */
export class PolicyLoopError extends KahnError {
  override readonly code = 'POLICY_LOOP';
  declare readonly applicationName: string;
  /** Types of the events that the policy handled last. */
  declare readonly eventTypes: readonly string[];

  constructor(applicationName: string, eventTypes: readonly string[], mostEvents: number) {
    const types = eventTypes.map((type) => `'${type}'`).join(', ');
    super(
      `The policy of '${applicationName}' handled ${mostEvents} of its own events for one notification and made more of ` +
        `them. The last ones are of ${types}: end this series in a handler.`,
      { applicationName, eventTypes },
    );
  }
}
