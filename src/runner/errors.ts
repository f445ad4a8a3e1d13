import { isTransientFailure } from '../application/failures.ts';
import { NotificationParkedError } from '../application/parking/errors.ts';
import { KahnError, messageOf } from '../util/errors.ts';

/** A runner was used after it was closed. */
export class RunnerClosedError extends KahnError {
  override readonly code = 'RUNNER_CLOSED';

  constructor(message = 'This runner is closed: start a new runner to continue.') {
    super(message);
  }
}

/**
 * A downstream application failed; the others continued. The application is stopped until `resume()` or the
 * next start of the system, unless the error is transient: then processing resumes automatically. After
 * {@link NotificationParkedError}, it continues without the parked notification.
 */
export class DownstreamError extends KahnError {
  override readonly code = 'DOWNSTREAM_FAILED';
  /** Causes of failure by the names of the applications. */
  declare readonly failures: ReadonlyMap<string, unknown>;
  /** The failures after the first one, which is the `cause`. */
  declare readonly otherFailures: ReadonlyMap<string, unknown>;

  constructor(what: string, failures: ReadonlyMap<string, unknown>) {
    const [[name, cause] = [], ...rest] = failures;
    const otherFailures = new Map(rest);
    const others = rest.length > 0 ? ` (and ${rest.length} more)` : '';
    const state =
      cause instanceof NotificationParkedError
        ? 'continues without a notification'
        : isTransientFailure(cause)
          ? 'was interrupted and resumes automatically'
          : 'failed and is stopped until resume() or the next start';
    super(`${what} Application '${name}'${others} ${state}: ${messageOf(cause)}`, {
      cause,
      failures,
      otherFailures,
    });
    // An uncaught error prints the cause and the enumerable fields: each failure once.
    Object.defineProperty(this, 'failures', { enumerable: false });
    Object.defineProperty(this, 'otherFailures', { enumerable: rest.length > 0 });
  }
}

/** A runner that starts threads or processes is part of a bundle, which lacks the files that they run. */
export class BundledError extends KahnError {
  override readonly code = 'BUNDLED';

  constructor(runner: string) {
    super(
      `${runner} starts files of kahn in workers, but this bundle holds kahn without these files. Keep kahn outside of the ` +
        'bundle, for example with --external:kahn in esbuild, or use run(), which starts no workers.',
    );
  }
}

/** The worker of an application died and was not replaced. */
export abstract class WorkerDiedError extends KahnError {
  declare readonly applicationName: string;

  constructor(applicationName: string, what: string, cause?: unknown) {
    const reason = cause === undefined ? '' : `: ${messageOf(cause).replace(/\.$/, '')}`;
    super(`Application '${applicationName}' stopped: ${what}${reason}.`, { cause, applicationName });
  }
}

/** The thread of an application died and was not replaced. */
export class ThreadDiedError extends WorkerDiedError {
  override readonly code = 'THREAD_DIED';
}

/** The process of an application died and was not replaced. */
export class ProcessDiedError extends WorkerDiedError {
  override readonly code = 'PROCESS_DIED';
}
