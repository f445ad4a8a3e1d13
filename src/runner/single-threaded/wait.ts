import { DownstreamError } from '../errors.ts';

/** A caller that waits until some notifications, and everything that follows from them, are processed. */
export class Wait {
  readonly #finished: Wait[];
  readonly #problem: () => string;
  readonly #settled: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Number of ranges of notifications that are not processed yet, plus one until the wait is complete. */
  #pending = 1;
  #failures: Map<string, unknown> | undefined;
  /**
   * Heads of the logs, by the index of the application. The wait covers all notifications up to them; undefined if it
   * covers a single save.
   */
  readonly heads: readonly number[] | undefined;

  /**
   * @param finished List to which the wait is added when nothing is pending.
   * @param problem Returns the beginning of the message if an application fails.
   */
  constructor(finished: Wait[], problem: () => string, heads?: readonly number[]) {
    this.#finished = finished;
    this.#problem = problem;
    this.heads = heads;
  }

  /** Settles by `settle()` or `reject()`. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Adds a range of notifications that is not processed yet. */
  begin(): void {
    this.#pending += 1;
  }

  /** Removes a range, or completes the wait. */
  end(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#finished.push(this);
  }

  /** Notes that an application cannot process a notification of this wait. */
  fail(applicationName: string, error: unknown): void {
    this.#failures ??= new Map();
    this.#failures.set(applicationName, error);
  }

  /** Resolves, or rejects with a {@link DownstreamError} if an application could not process a notification. */
  settle(): void {
    if (this.#failures === undefined) this.#settled.resolve();
    else this.#settled.reject(new DownstreamError(this.#problem(), this.#failures));
  }

  reject(error: unknown): void {
    this.#settled.reject(error);
  }
}
