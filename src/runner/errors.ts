import { KahnError, messageOf } from '../util/errors.ts';

/** A runner was used after it was closed. */
export class RunnerClosedError extends KahnError {
  override readonly code = 'RUNNER_CLOSED';
}

/** An application has failed and was stopped, and with it what should have followed. The others went on. */
export class DownstreamError extends KahnError {
  override readonly code = 'DOWNSTREAM_FAILED';
  /** The applications that have failed, by name, with the cause. */
  readonly failures: ReadonlyMap<string, unknown>;

  constructor(what: string, failures: ReadonlyMap<string, unknown>) {
    const [name, cause] = [...failures][0] ?? [];
    const others = failures.size > 1 ? ` (and ${failures.size - 1} more)` : '';
    super(
      `${what} Application '${name}'${others} has failed and is stopped until the next start: ${messageOf(cause)}`,
      {
        cause,
      },
    );
    this.failures = failures;
  }
}
