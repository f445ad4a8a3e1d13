import { InvalidPolicyError } from '../errors.ts';

/** A promise that knows whether anything waits for it. */
class RepositoryPromise<T> extends Promise<T> {
  isAwaited = false;

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

/** A call of a repository. */
interface RepositoryCall<T> {
  /** Returns the text of the call, for messages. */
  readonly text: () => string;
  readonly promise: RepositoryPromise<T>;
  isRunning: boolean;
}

/** Calls of a repository that a handler has started. */
export class RepositoryCalls {
  readonly #applicationName: string;
  #calls: RepositoryCall<unknown>[] | undefined;
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
   *
   * @param text Returns the text of the call, for messages.
   */
  start<T>(text: () => string, work: () => T | Promise<T>): Promise<T> {
    let result: T | Promise<T>;
    try {
      this.assertRunning();
      result = work();
    } catch (error) {
      return this.#add({ text, promise: rejected<T>(error), isRunning: false });
    }
    if (result instanceof Promise) return this.#whenSettled(text, result);
    const value = result;
    const promise = new RepositoryPromise<T>((resolve) => resolve(value));
    return this.#add({ text, promise, isRunning: false });
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
    const missed = this.#calls?.find(({ promise, isRunning }) => isRunning || !promise.isAwaited);
    if (missed === undefined) return;
    throw new InvalidPolicyError(
      `The policy of '${this.#applicationName}' returned without waiting for repository.${missed.text()}: put 'await' in ` +
        'front of it, and await the function that calls it.',
    );
  }

  /** Returns a better error for one that follows from a missing `await`. */
  explained(error: unknown): unknown {
    const missed = this.#calls?.find(({ promise }) => !promise.isAwaited);
    if (missed === undefined || !(error instanceof TypeError)) return error;
    return new InvalidPolicyError(
      `${error.message}. The policy of '${this.#applicationName}' did not await repository.${missed.text()}: put 'await' ` +
        'in front of it.',
      { cause: error },
    );
  }

  end(): void {
    this.#hasEnded = true;
  }

  #add<T>(call: RepositoryCall<T>): Promise<T> {
    this.#calls ??= [];
    this.#calls.push(call as RepositoryCall<unknown>);
    return call.promise;
  }

  #whenSettled<T>(text: () => string, result: Promise<T>): Promise<T> {
    const promise = new RepositoryPromise<T>((resolve, reject) => {
      const settle = (settled: () => void) => {
        if (this.#hasEnded) return;
        call.isRunning = false;
        settled();
      };
      result.then(
        (value) => settle(() => resolve(value)),
        (error: unknown) =>
          settle(() => {
            promise.handle();
            reject(error);
          }),
      );
    });
    const call: RepositoryCall<T> = { text, promise, isRunning: true };
    return this.#add(call);
  }
}

function rejected<T>(error: unknown): RepositoryPromise<T> {
  const promise = new RepositoryPromise<T>((_, reject) => reject(error));
  promise.handle();
  return promise;
}
