// Random systems of relays. Threads and processes import this module with the number of the graph as query of its URL.
import { System } from 'kahn';
import { randomNumbers } from '../random-numbers.ts';
import { type RelayClass, relay } from './relays.ts';

/** Makes the system of a graph: each relay but the first follows one before it, and four edges go in any direction. */
export function randomRelays(graph: number): System<RelayClass> {
  const random = randomNumbers(graph);
  const kinds = ['a', 'b', 'c', 'd', 'e', 'f'].map(relay);
  const any = (count: number) => kinds[Math.floor(random() * count)] as RelayClass;
  const chains = kinds.slice(1).map((kind, i) => [any(i + 1), kind]);
  const others = Array.from({ length: 4 }, () => [any(kinds.length), any(kinds.length)]);
  const module = new URL(`?graph=${graph}`, import.meta.url).href;
  return System.of([...chains, ...others] as [RelayClass[]], { module }) as System<RelayClass>;
}

const graph = new URL(import.meta.url).searchParams.get('graph');
/** @public Threads and processes find it among the exports. */
export const imported = graph === null ? undefined : randomRelays(Number(graph));
