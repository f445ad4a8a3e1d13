import type { Tick } from './tick.ts';

/** Who hears of ticks. */
export class TickListeners {
  readonly #listeners = new Set<(tick: Tick) => void>();

  /** Calls the listener until the function it returns is called. */
  add(listener: (tick: Tick) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(tick: Tick): void {
    for (const listener of this.#listeners) {
      try {
        listener(tick);
      } catch (error) {
        // As of those who subscribe to an application: what they make of it is nobody's here.
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }
}
