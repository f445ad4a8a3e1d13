import { nextTick } from 'node:process';
import { inRootContext } from './environment/root-context.ts';
import { assertFunction } from './options.ts';

/**
 * Functions that are called with each value, outside of the caller's asynchronous context. An error of a listener
 * becomes an uncaught exception of the process, and affects neither the caller nor the other listeners.
 */
export class ListenerSet<Value> {
  readonly #listeners = new Set<(value: Value) => void>();

  /** Adds a listener and returns the function that removes it. Throws {@link InvalidArgumentError}. */
  add(listener: (value: Value) => void): () => void {
    assertFunction(listener, 'the listener of subscribe()');
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  call(value: Value): void {
    for (const listener of this.#listeners) {
      try {
        inRootContext(listener, value);
      } catch (error) {
        nextTick(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
