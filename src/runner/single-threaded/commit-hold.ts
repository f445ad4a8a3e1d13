import { clearTimeout, setTimeout } from 'node:timers';

/** Longest time for which commits wait for a policy, in ms. */
const longestMs = 10_000;

/** Makes the commits of an application wait while its policy finishes, for a limited time. */
export class CommitHold {
  readonly #longestMs: number;
  #released: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(longest: number = longestMs) {
    this.#longestMs = longest;
  }

  get isHeld(): boolean {
    return this.#released !== undefined;
  }

  /** Makes the next commits wait. */
  hold(): void {
    if (this.#released !== undefined) return;
    this.#released = Promise.withResolvers();
    this.#timer = setTimeout(() => this.release(), this.#longestMs);
  }

  /** Lets all commits proceed. */
  release(): void {
    if (this.#released === undefined) return;
    clearTimeout(this.#timer);
    this.#released.resolve();
    this.#released = undefined;
  }

  /** Resolves when commits need not wait. */
  async released(): Promise<void> {
    while (this.#released !== undefined) await this.#released.promise;
  }
}
