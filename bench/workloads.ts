import type { StoredEvent } from 'kahn';
import { orderCreated } from './baseline-events.ts';
import type { Logs } from './verify-logs.ts';

/** How long some work took, and what it left behind. */
export interface Run {
  readonly ms: number;
  readonly logs: Logs;
}

/** The library or the bound, on new storage. Opening and reading back are not timed. */
export interface Contestant {
  /** Commands one at a time, each in its own transaction, with nobody following; then followers in batches. */
  oneByOne(customers: readonly string[]): Promise<Run>;
  /** Waves of commands given at the same time, each wave processed to the end by the whole system. */
  inWaves(waves: readonly (readonly string[])[]): Promise<Run>;
  /** Appends only, each wave in one transaction. */
  append(waves: readonly (readonly string[])[]): Promise<Run>;
  /** Events one at a time, made already, each in a transaction with the next position in the log of an upstream. */
  processEvents(upstreamName: string, events: readonly StoredEvent[]): Promise<Run>;
}

/** A way to give the shop its orders. */
export interface Workload {
  readonly name: string;
  /** How many events an order ends with. */
  readonly eventsPerOrder: 1 | 5;
  /** How many times as long an event takes as in the other workloads, roughly: a round has fewer of them. */
  readonly slowness: number;
  /** The library's least part of the bound's speed on storages that have a target, in percent. */
  readonly targets: { readonly memory?: number; readonly FULL?: number; readonly PostgreSQL: number };
  run(contestant: Contestant, customers: readonly string[]): Promise<Run>;
}

const memory = 50;

export const workloads: readonly Workload[] = [
  {
    name: 'one command per transaction, followers batched',
    eventsPerOrder: 5,
    slowness: 1,
    targets: { memory, FULL: 70, PostgreSQL: 70 },
    run: (contestant, customers) => contestant.oneByOne(customers),
  },
  {
    name: '100 concurrent commands',
    eventsPerOrder: 5,
    slowness: 1,
    targets: { memory, FULL: 60, PostgreSQL: 60 },
    run: (contestant, customers) => contestant.inWaves(wavesOf(customers, 100)),
  },
  {
    name: 'appends in 1,000s',
    eventsPerOrder: 1,
    slowness: 1,
    targets: { memory, FULL: 70, PostgreSQL: 70 },
    run: (contestant, customers) => contestant.append(wavesOf(customers, 1_000)),
  },
  {
    name: 'single process event',
    eventsPerOrder: 1,
    slowness: 10,
    targets: { PostgreSQL: 80 },
    run: (contestant, customers) => contestant.processEvents('baskets', customers.map(orderCreated)),
  },
];

function wavesOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
