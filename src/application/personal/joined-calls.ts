import type { Mutex } from '../../util/mutex.ts';

/** Calls of one kind that wait for the same turn. */
interface Waiting<Item, Result> {
  readonly items: Set<Item>;
  readonly done: Promise<Result>;
}

/** Serves all calls of one kind that wait for their turn together. */
export class JoinedCalls<Item, Result> {
  readonly #turns: Mutex;
  readonly #serve: (items: readonly Item[]) => Promise<Result>;
  #waiting: Waiting<Item, Result> | undefined;

  /** @param serve Called with the items of all calls that have waited for the turn. */
  constructor(turns: Mutex, serve: (items: readonly Item[]) => Promise<Result>) {
    this.#turns = turns;
    this.#serve = serve;
  }

  /** Resolves with the result for the items of this call and others. The turn begins after this call. */
  join(items: readonly Item[] = []): Promise<Result> {
    this.#waiting ??= this.#startWaiting();
    for (const item of items) this.#waiting.items.add(item);
    return this.#waiting.done;
  }

  #startWaiting(): Waiting<Item, Result> {
    const items = new Set<Item>();
    const turn = () => {
      this.#waiting = undefined; // later calls wait for the next turn: what this one reads may be older
      return this.#serve([...items]);
    };
    return { items, done: Promise.resolve().then(() => this.#turns.run(turn)) };
  }
}
