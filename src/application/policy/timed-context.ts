import type { PolicyContext } from './policy-context.ts';

/** The context of a handler whose time is limited: its signal is its own. */
export class TimedContext implements PolicyContext {
  readonly #batch: PolicyContext;
  readonly #timeout = new AbortController();
  #signal: AbortSignal | undefined;

  /** @param batch The context that the handlers of a batch share. */
  constructor(batch: PolicyContext) {
    this.#batch = batch;
  }

  get resources(): unknown {
    return this.#batch.resources;
  }

  get isReplay(): boolean {
    return this.#batch.isReplay;
  }

  get sideEffects(): boolean {
    return this.#batch.sideEffects;
  }

  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any([this.#timeout.signal, this.#batch.signal]);
    return this.#signal;
  }

  rows(): Promise<unknown> {
    return this.#batch.rows();
  }

  /** Aborts the signal of the handler. */
  abort(reason: unknown): void {
    this.#timeout.abort(reason);
  }
}
