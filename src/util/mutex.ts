/** Runs one function at a time, in the order of the calls. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Resolves in the order of the calls, with a function that lets the next call proceed. */
  acquire(): Promise<() => void> {
    const acquired = Promise.withResolvers<() => void>();
    void this.run(() => new Promise<void>((release) => acquired.resolve(release)));
    return acquired.promise;
  }
}
