import type { StoredEvent } from 'kahn';
import { orderCausedBy } from './baseline/events.ts';
import type { Logs } from './verify-logs.ts';

/** Duration of a workload, and the logs that it left. */
export interface Run {
  readonly ms: number;
  /** Duration of each wave, where waves are measured one by one. */
  readonly waveMs?: readonly number[];
  readonly logs: Logs;
}

/** The library or the baseline on empty storage. Opening it and reading the logs back are not measured. */
export interface Candidate {
  /** Commands one at a time, each in its own transaction and without followers; then followers in batches. */
  oneByOne(customers: readonly string[]): Promise<Run>;
  /** Waves of concurrent commands; the whole system processes each wave to the end. */
  inWaves(waves: readonly (readonly string[])[]): Promise<Run>;
  /** Appends only, each wave in one transaction. */
  append(waves: readonly (readonly string[])[]): Promise<Run>;
  /** Given events one at a time, each in a transaction with the next position in the log of an upstream. */
  processEvents(upstreamName: string, events: readonly StoredEvent[]): Promise<Run>;
}

/** A way to place the orders of a shop. */
export interface Workload {
  readonly name: string;
  /** Number of events per order. */
  readonly eventsPerOrder: 1 | 5;
  /** Approximate time per event relative to the other workloads; a round has fewer events accordingly. */
  readonly slowness: number;
  /** Smallest accepted speed on each storage, in percent of the baseline's. */
  readonly targets: { readonly memory?: number; readonly FULL?: number; readonly PostgreSQL: number };
  run(candidate: Candidate, customers: readonly string[]): Promise<Run>;
}

const memory = 50;

export const workloads: readonly Workload[] = [
  {
    name: 'one command at a time, until settled',
    eventsPerOrder: 5,
    slowness: 3,
    targets: { memory: 45, FULL: 85, PostgreSQL: 80 },
    run: (candidate, customers) => candidate.inWaves(wavesOf(customers, 1)),
  },
  {
    name: 'one command per transaction, followers batched',
    eventsPerOrder: 5,
    slowness: 1,
    targets: { memory, FULL: 70, PostgreSQL: 70 },
    run: (candidate, customers) => candidate.oneByOne(customers),
  },
  {
    name: '100 concurrent commands',
    eventsPerOrder: 5,
    slowness: 1,
    targets: { memory, FULL: 60, PostgreSQL: 60 },
    run: (candidate, customers) => candidate.inWaves(wavesOf(customers, 100)),
  },
  {
    name: 'appends in 1,000s',
    eventsPerOrder: 1,
    slowness: 1,
    targets: { memory, FULL: 70, PostgreSQL: 70 },
    run: (candidate, customers) => candidate.append(wavesOf(customers, 1_000)),
  },
  {
    name: 'single process event',
    eventsPerOrder: 1,
    slowness: 10,
    targets: { PostgreSQL: 80 },
    run: (candidate, customers) =>
      candidate.processEvents(
        'baskets',
        customers.map((customer, index) => orderCausedBy('baskets', index + 1, customer)),
      ),
  },
];

function wavesOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
