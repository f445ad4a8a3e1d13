/** Runs one function at a time, in the order of the calls. */
export class Mutex {
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  /** Calls the function at once if no other one is running. */
  async run<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  /** As {@link run}, but returns no promise if the function can be called at once and returns none. */
  runAtOnce<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (this.#isTaken) return this.run(work);
    this.#isTaken = true;
    try {
      const result = work();
      if (result instanceof Promise) return result.then(this.#returning, this.#throwing);
      this.#release();
      return result;
    } catch (error) {
      this.#release();
      return Promise.reject(error);
    }
  }

  /** Resolves in the order of the calls, with a function that lets the next call proceed. */
  acquire(): Promise<() => void> {
    const acquired = Promise.withResolvers<() => void>();
    void this.run(() => new Promise<void>((release) => acquired.resolve(release)));
    return acquired.promise;
  }

  readonly #returning = <T>(result: T): T => {
    this.#release();
    return result;
  };

  readonly #throwing = (error: unknown): never => {
    this.#release();
    throw error;
  };

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isTaken = false;
    else next();
  }
}
