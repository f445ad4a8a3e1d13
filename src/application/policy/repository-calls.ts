import { InvalidPolicyError } from '../errors.ts';
import type { PolicyCall } from './current-policy.ts';

/** Result of a call of a repository: a promise that knows whether anything waits for it. */
class RepositoryCall<T> extends Promise<T> {
  readonly resolve: (value: T) => void;
  readonly #reject: (reason: unknown) => void;
  /** Returns the text of the call, for messages. */
  readonly text: () => string;
  isAwaited = false;
  isRunning = false;

  constructor(text: () => string) {
    let settle: Pick<PromiseWithResolvers<T>, 'resolve' | 'reject'> | undefined;
    super((resolve, reject) => {
      settle = { resolve, reject };
    });
    const { resolve, reject } = settle as Pick<PromiseWithResolvers<T>, 'resolve' | 'reject'>;
    this.resolve = resolve;
    this.#reject = reject;
    this.text = text;
  }

  /**
   * Notes that something waits: `await`, `then` and `Promise.all` read the constructor of a promise. An override of `then`
   * would make each `await` slower. Promises that are derived from this one are plain.
   */
  // biome-ignore lint/complexity/useLiteralKeys: a class may have no accessor with the literal name
  override get ['constructor'](): PromiseConstructor {
    this.isAwaited = true;
    return Promise;
  }

  /** Rejects. A rejection for which nothing waits does not end the process: the policy fails instead. */
  reject(reason: unknown): void {
    const { isAwaited } = this;
    this.then(undefined, () => {});
    this.isAwaited = isAwaited;
    this.#reject(reason);
  }
}

/** Calls of a repository that a handler has started. */
export class RepositoryCalls {
  readonly #call: PolicyCall;
  #calls: RepositoryCall<unknown>[] | undefined;

  constructor(call: PolicyCall) {
    this.#call = call;
  }

  /**
   * Starts a call. A call that is running when its handler ends never settles, so that what waits for it does not
   * continue.
   *
   * @param text Returns the text of the call, for messages.
   */
  start<T>(text: () => string, work: () => T | Promise<T>): Promise<T> {
    const started = new RepositoryCall<T>(text);
    this.#calls ??= [];
    this.#calls.push(started as RepositoryCall<unknown>);
    try {
      this.assertRunning();
      const result = work();
      if (result instanceof Promise) this.#settleLater(started, result);
      else started.resolve(result);
    } catch (error) {
      started.reject(error);
    }
    return started;
  }

  /** Throws {@link InvalidPolicyError} after the end of the handler. */
  assertRunning(): void {
    if (!this.#call.hasEnded) return;
    throw new InvalidPolicyError(
      `The policy of '${this.#call.applicationName}' used its repository after it had returned: ` +
        'await everything that a handler starts.',
    );
  }

  /**
   * Throws {@link InvalidPolicyError} if the handler has not waited for a call.
   *
   * @param hasWaited Whether the handler has waited for anything.
   */
  assertAwaited(hasWaited: boolean): void {
    const missed = this.#calls?.find(({ isAwaited, isRunning }) => !hasWaited || isRunning || !isAwaited);
    if (missed === undefined) return;
    throw new InvalidPolicyError(
      `The policy of '${this.#call.applicationName}' returned without waiting for repository.${missed.text()}: put 'await' ` +
        'in front of it, and await the function that calls it.',
    );
  }

  /** Returns a better error for one that follows from a missing `await`. */
  explained(error: unknown): unknown {
    const missed = this.#calls?.find(({ isAwaited }) => !isAwaited);
    if (missed === undefined || !(error instanceof TypeError)) return error;
    return new InvalidPolicyError(
      `${error.message}. The policy of '${this.#call.applicationName}' did not await repository.${missed.text()}: put ` +
        "'await' in front of it.",
      { cause: error },
    );
  }

  #settleLater<T>(started: RepositoryCall<T>, result: Promise<T>): void {
    started.isRunning = true;
    const hasEnded = () => {
      started.isRunning = this.#call.hasEnded;
      return started.isRunning;
    };
    result.then(
      (value) => {
        if (!hasEnded()) started.resolve(value);
      },
      (error: unknown) => {
        if (!hasEnded()) started.reject(error);
      },
    );
  }
}
