import type { SystemGraph, Tick } from 'kahn';

/** How many notifications wait for each application that follows others, tick by tick. */
export class Queues {
  readonly #followers: readonly { readonly name: string; readonly upstreams: ReadonlySet<string> }[];
  /** The lengths after each tick, by application. */
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

  /** Whether nothing waits. */
  get areEmpty(): boolean {
    return this.lengths.values().every((lengths) => (lengths.at(-1) ?? 0) === 0);
  }

  /** What the upstreams have recorded comes to a queue, and what the application has fetched leaves it. */
  note({ applications }: Tick): void {
    const recorded = new Map(applications.map((one) => [one.applicationName, one.recorded]));
    const fetched = new Map(applications.map((one) => [one.applicationName, one.fetched]));
    for (const { name, upstreams } of this.#followers) {
      const come = upstreams.values().reduce((sum, upstream) => sum + (recorded.get(upstream) ?? 0), 0);
      const lengths = this.lengths.get(name);
      lengths?.push((lengths.at(-1) ?? 0) + come - (fetched.get(name) ?? 0));
    }
  }
}
