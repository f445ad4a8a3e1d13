/** Lets a limited number of calls run at the same time. The others wait in the order of the calls. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param count Most calls that run at the same time. */
  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next(); // it takes over the slot
    }
  }
}
