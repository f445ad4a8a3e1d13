import { CausalDependencyError, PolicyError } from '../application/errors.ts';
import { isTransient } from '../storage/errors.ts';
import { KahnError, messageOf } from '../util/errors.ts';

/** A runner was used after it was closed. */
export class RunnerClosedError extends KahnError {
  override readonly code = 'RUNNER_CLOSED';

  constructor(message = 'This runner is closed: start a new one to go on.') {
    super(message);
  }
}

/**
 * An application has failed, and with it what should have followed; the others went on. It is stopped, unless only
 * its storage was busy or away, or it waits for another pipeline: then it goes on later.
 */
export class DownstreamError extends KahnError {
  override readonly code = 'DOWNSTREAM_FAILED';
  /** The applications that have failed, by name, with the cause. */
  readonly failures: ReadonlyMap<string, unknown>;

  constructor(what: string, failures: ReadonlyMap<string, unknown>) {
    const [name, cause] = [...failures][0] ?? [];
    const others = failures.size > 1 ? ` (and ${failures.size - 1} more)` : '';
    const state = isInterruption(cause)
      ? 'was interrupted and goes on later'
      : 'has failed and is stopped until the next start';
    super(`${what} Application '${name}'${others} ${state}: ${messageOf(cause)}`, { cause });
    this.failures = failures;
  }
}

abstract class WorkerDiedError extends KahnError {
  readonly applicationName: string;

  constructor(applicationName: string, what: string, cause?: unknown) {
    const reason = cause === undefined ? '' : `: ${messageOf(cause)}`;
    super(`Application '${applicationName}' does not run any more: ${what}${reason}.`, { cause });
    this.applicationName = applicationName;
  }
}

/** The thread of an application has died, and was not or could not be started again. */
export class ThreadDiedError extends WorkerDiedError {
  override readonly code = 'THREAD_DIED';
}

/** The process of an application has died, and was not or could not be started again. */
export class ProcessDiedError extends WorkerDiedError {
  override readonly code = 'PROCESS_DIED';
}

/** Whether an application failed only because its storage was busy or away, or because it waits for another pipeline. */
export function isInterruption(error: unknown): boolean {
  if (error instanceof CausalDependencyError) return true;
  return isTransient(error instanceof PolicyError ? error.cause : error);
}
