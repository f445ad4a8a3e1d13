import type { SystemGraph, Tick } from 'kahn';

/** Number of notifications that wait for each application that follows others, by tick. */
export class Queues {
  readonly #followers: readonly { readonly name: string; readonly upstreams: ReadonlySet<string> }[];
  /** Queue lengths after each tick, by application. */
  readonly lengths: ReadonlyMap<string, number[]>;

  constructor({ nodes, edges }: SystemGraph) {
    this.#followers = nodes
      .map(({ name }) => ({
        name,
        upstreams: new Set(
          edges.filter(({ downstream }) => downstream === name).map(({ upstream }) => upstream),
        ),
      }))
      .filter(({ upstreams }) => upstreams.size > 0);
    this.lengths = new Map(this.#followers.map(({ name }) => [name, []]));
  }

  /** Whether all queues are empty. */
  get areEmpty(): boolean {
    return this.lengths.values().every((lengths) => (lengths.at(-1) ?? 0) === 0);
  }

  /**
   * Adds the events recorded by the upstreams to each queue, and removes the events that the application has fetched.
   */
  note({ applications }: Tick): void {
    const recorded = new Map(applications.map((one) => [one.applicationName, one.recorded]));
    const fetched = new Map(applications.map((one) => [one.applicationName, one.fetched]));
    for (const { name, upstreams } of this.#followers) {
      const added = upstreams.values().reduce((sum, upstream) => sum + (recorded.get(upstream) ?? 0), 0);
      const lengths = this.lengths.get(name);
      lengths?.push((lengths.at(-1) ?? 0) + added - (fetched.get(name) ?? 0));
    }
  }
}
