import { publish, type RunnerEvent } from '../../diagnostics.ts';
import { DownstreamError } from '../../errors.ts';
import { StepFailedError } from '../errors.ts';

/** Whether a stepping runner is stopped, and the reason. */
export class StopState {
  readonly #eventOf: (applicationName: string) => RunnerEvent;
  readonly #stopping: () => void;
  #stop = new AbortController();
  readonly #abandon = new AbortController();
  readonly #failures = new Map<string, unknown>();

  /** @param stopping Called when the runner stops. */
  constructor(eventOf: (applicationName: string) => RunnerEvent, stopping: () => void) {
    this.#eventOf = eventOf;
    this.#stopping = stopping;
  }

  /**
   * Aborted with the reason when the runner is closed or has failed: no further tick begins. Another signal after
   * {@link revive}.
   */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted when closing takes too long: the tick under way is abandoned. */
  get abandoned(): AbortSignal {
    return this.#abandon.signal;
  }

  /** Errors of failed applications, by name. */
  get failures(): ReadonlyMap<string, unknown> {
    return this.#failures;
  }

  stop(reason: unknown): void {
    if (!this.stopped.aborted) this.#stopping();
    this.#stop.abort(reason);
  }

  /** Lets ticks begin again after failures. */
  revive(): void {
    this.#failures.clear();
    this.#stop = new AbortController();
  }

  /** Notes why the failed applications could not be started again. */
  failAgain(error: unknown): void {
    for (const name of this.#failures.keys()) {
      this.#failures.set(name, error);
      publish('failed', { ...this.#eventOf(name), error });
    }
  }

  abandon(reason: unknown): void {
    this.#abandon.abort(reason);
  }

  /**
   * Stops the runner because of an error in a tick: without the failed application, the results of the others would
   * change. Returns the error to throw, which is the first reason of the stop.
   */
  fail(tick: number, error: unknown): unknown {
    if (this.stopped.aborted) return this.stopped.reason;
    const failures = error instanceof StepFailedError ? error.failures : new Map<string, unknown>();
    for (const [name, cause] of failures) {
      this.#failures.set(name, cause);
      publish('failed', { ...this.#eventOf(name), error: cause });
    }
    const reason =
      failures.size === 0 ? error : new DownstreamError(`The system stopped at tick ${tick}.`, failures);
    this.stop(reason);
    return reason;
  }
}
