import { unlessAborted } from '../../../util/abort.ts';
import { inRootContext, ownLocalStorage } from '../../../util/environment/root-context.ts';
import { ListenerSet } from '../../../util/listener-set.ts';
import { Mutex } from '../../../util/mutex.ts';
import { yieldIfBusy } from '../../../util/yield-to-event-loop.ts';

/** Work of a series of ticks. */
export interface TickSeriesParts<Tick> {
  /** Number of ticks that have ended. */
  count(): number;
  tick(): Promise<Tick>;
  /** Records the positions behind ignored notifications. */
  recordPositions(): Promise<void>;
  /** Called with the error of a tick and its number. Returns the error to throw. */
  failed(tick: number, error: unknown): unknown;
  /** Aborted with the reason when no further tick may begin. */
  readonly stopped: AbortSignal;
}

/** Names the tick from which the current code was called. */
const callingTick = ownLocalStorage<object>();

/** The ticks of a runner, one after the other. */
export class TickSeries<Tick> {
  readonly #parts: TickSeriesParts<Tick>;
  readonly #queue = new Mutex();
  readonly #listeners = new ListenerSet<Tick>();
  /** The tick under way. */
  #current: object | undefined;

  constructor(parts: TickSeriesParts<Tick>) {
    this.#parts = parts;
  }

  /** Whether the caller runs in the tick under way: it must not wait for the end of that tick. */
  get isInTick(): boolean {
    return this.#current !== undefined && callingTick.getStore() === this.#current;
  }

  /** Calls the listener after each tick. Returns the function that removes the listener. */
  subscribe(listener: (tick: Tick) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Runs a tick after those that were requested before. */
  run(): Promise<Tick> {
    return this.#queue.run(() => this.#tick());
  }

  /** Resolves with the next tick, which another caller runs. */
  async next(): Promise<Tick> {
    const next = Promise.withResolvers<Tick>();
    const unsubscribe = this.subscribe(next.resolve);
    return unlessAborted(next.promise, this.#parts.stopped).finally(unsubscribe);
  }

  /** Records the positions behind ignored notifications, between two ticks. */
  recordPositions(): Promise<void> {
    return this.#queue.run(async () => {
      this.#parts.stopped.throwIfAborted();
      try {
        await this.#parts.recordPositions();
      } catch (error) {
        throw this.#parts.failed(this.#parts.count(), error);
      }
    });
  }

  /** Resolves when no tick is under way or requested. */
  ended(): Promise<void> {
    return this.#queue.run(async () => {});
  }

  async #tick(): Promise<Tick> {
    const { stopped } = this.#parts;
    stopped.throwIfAborted();
    const number = this.#parts.count() + 1;
    const current = {};
    this.#current = current;
    try {
      const tick = await inRootContext(() => callingTick.run(current, () => this.#parts.tick()));
      this.#listeners.call(tick);
      await yieldIfBusy();
      return tick;
    } catch (error) {
      throw this.#parts.failed(number, error);
    } finally {
      this.#current = undefined;
    }
  }
}
