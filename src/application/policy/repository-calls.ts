import { InvalidPolicyError } from '../errors.ts';

/** A promise that knows whether anything waits for it. */
class RepositoryPromise<T> extends Promise<T> {
  isAwaited = false;
  isSettled = false;
  name = '';

  // Promises that are derived from this one are plain.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // biome-ignore lint/suspicious/noThenProperty: a promise has it, and this one counts the calls
  override then<Result = T, Late = never>(
    onFulfilled?: ((value: T) => Result | PromiseLike<Result>) | null,
    onRejected?: ((reason: unknown) => Late | PromiseLike<Late>) | null,
  ): Promise<Result | Late> {
    this.isAwaited = true;
    return super.then(onFulfilled, onRejected);
  }

  /** Keeps a rejection for which nothing waits from ending the process: the policy fails instead. */
  handle(): void {
    super.then(undefined, () => {});
  }
}

/** Calls of a repository that a handler has started. */
export class RepositoryCalls {
  readonly #applicationName: string;
  readonly #calls: RepositoryPromise<unknown>[] = [];
  #hasEnded = false;

  constructor(applicationName: string) {
    this.#applicationName = applicationName;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Starts a call. A call that is running when its handler ends never settles, so that what waits for it does not
   * continue.
   */
  start<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const { promise, resolve, reject } = RepositoryPromise.withResolvers<T>() as {
      promise: RepositoryPromise<T>;
      resolve(value: T): void;
      reject(reason: unknown): void;
    };
    promise.name = name;
    const fail = (error: unknown) => {
      promise.handle();
      reject(error);
    };
    const settle = (settled: () => void) => {
      if (this.#hasEnded) return;
      promise.isSettled = true;
      settled();
    };
    try {
      this.assertRunning();
      this.#calls.push(promise);
      const result = work();
      if (result instanceof Promise) {
        result.then(
          (value) => settle(() => resolve(value)),
          (error: unknown) => settle(() => fail(error)),
        );
      } else settle(() => resolve(result));
    } catch (error) {
      promise.isSettled = true;
      fail(error);
    }
    return promise;
  }

  /** Throws {@link InvalidPolicyError} after the end of the handler. */
  assertRunning(): void {
    if (!this.#hasEnded) return;
    throw new InvalidPolicyError(
      `The policy of '${this.#applicationName}' used its repository after it had returned: ` +
        'await everything that a handler starts.',
    );
  }

  /** Throws {@link InvalidPolicyError} if the handler has not waited for a call. */
  assertAwaited(): void {
    const missed = this.#calls.find(({ isAwaited, isSettled }) => !isAwaited || !isSettled);
    if (missed === undefined) return;
    throw new InvalidPolicyError(
      `The policy of '${this.#applicationName}' returned without waiting for repository.${missed.name}: put 'await' in ` +
        'front of it, and await the function that calls it.',
    );
  }

  /** Returns a better error for one that follows from a missing `await`. */
  explained(error: unknown): unknown {
    const missed = this.#calls.find(({ isAwaited }) => !isAwaited);
    if (missed === undefined || !(error instanceof TypeError)) return error;
    return new InvalidPolicyError(
      `${error.message}. The policy of '${this.#applicationName}' did not await repository.${missed.name}: put 'await' in ` +
        'front of it.',
      { cause: error },
    );
  }

  end(): void {
    this.#hasEnded = true;
  }
}
