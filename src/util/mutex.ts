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
      const next = this.#waiting.shift();
      if (next === undefined) this.#isTaken = false;
      else next();
    }
  }

  /** Resolves in the order of the calls, with a function that lets the next call proceed. */
  acquire(): Promise<() => void> {
    const acquired = Promise.withResolvers<() => void>();
    void this.run(() => new Promise<void>((release) => acquired.resolve(release)));
    return acquired.promise;
  }
}
