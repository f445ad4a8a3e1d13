import fc from 'fast-check';
import {
  Aggregate,
  CausalDependencyError,
  type DomainEvent,
  ProcessApplication,
  type StorageDescription,
} from 'kahn';
import { randomNumbers } from '../../support/random-numbers.ts';

type StepEvent = DomainEvent<'Step.Taken', { hops: number; seed: number }>;

class Step extends Aggregate<StepEvent> {
  static take(hops: number, seed: number, id?: string): Step {
    return Step.create('Step.Taken', { hops, seed }, id);
  }
}

/** Returns a class of applications that answers a step with up to two, until no hops are left. */
function walkerOf(name: string) {
  return class Walker extends ProcessApplication<StepEvent, StepEvent> {
    static readonly applicationName: string = name;
    static readonly emits = ['Step.Taken'] as const;
    override readonly policy = this.when({
      'Step.Taken': ({ data: { hops, seed } }, repository) => {
        if (hops === 0) return [];
        const random = randomNumbers(seed + name.charCodeAt(0));
        const count = Math.floor(random() * 3);
        const seedOf = () => Math.floor(random() * 1e9);
        return Array.from({ length: count }, () => Step.take(hops - 1, seedOf(), repository.deriveId()));
      },
    });
  };
}

/** An application in a pipeline takes a step without a cause, or processes what it follows. */
interface Action {
  readonly application: number;
  readonly pipelineId: number;
  readonly hops: number;
  readonly seed: number;
  readonly kind: 'command' | 'run';
}

/** A system of applications in two pipelines, and what they do in turn; some of it may be left unprocessed. */
export interface RandomSystem {
  readonly size: number;
  /** Pairs of upstream and follower, by index. An application may follow itself. */
  readonly edges: readonly (readonly [upstream: number, follower: number])[];
  readonly batchSize: number;
  readonly actions: readonly Action[];
  readonly isProcessed: boolean;
}

const largestSize = 5;
const index = fc.nat(largestSize - 1);

export const randomSystems: fc.Arbitrary<RandomSystem> = fc.record({
  size: fc.integer({ min: 1, max: largestSize }),
  edges: fc.array(fc.tuple(index, index), { minLength: 3, maxLength: 7, size: 'max' }),
  batchSize: fc.constantFrom(1, 2, 7, 500),
  actions: fc.array(
    fc.record({
      application: index,
      pipelineId: fc.constantFrom(0, 0, 0, 3),
      hops: fc.integer({ min: 1, max: 5 }),
      seed: fc.nat(1_000_000),
      kind: fc.constantFrom('command' as const, 'command' as const, 'run' as const),
    }),
    { minLength: 4, maxLength: 16, size: 'max' },
  ),
  isProcessed: fc.boolean(),
});

export const pipelineIds = [0, 3];

/** Plays a system on empty storage. */
export async function play(storage: StorageDescription, system: RandomSystem): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const rows: InstanceType<ReturnType<typeof walkerOf>>[][] = [];
  for (const pipelineId of pipelineIds) {
    const row = [];
    for (let i = 0; i < system.size; i += 1)
      row.push(opened.use(await walkerOf('abcde'.charAt(i)).open({ storage, pipelineId })));
    for (const [upstream, follower] of system.edges) {
      const log = row[upstream % system.size]?.log;
      if (log !== undefined) row[follower % system.size]?.follow(log, system.batchSize);
    }
    rows.push(row);
  }
  for (const { application, pipelineId, kind, hops, seed } of system.actions) {
    const walker = rows[pipelineIds.indexOf(pipelineId)]?.[application % system.size];
    if (kind === 'run') await runSome(walker);
    else await walker?.save(Step.take(hops, seed));
  }
  while (system.isProcessed && (await runAll(rows.flat())) > 0);
}

type Walker = InstanceType<ReturnType<typeof walkerOf>>;

async function runAll(walkers: readonly Walker[]): Promise<number> {
  let processed = 0;
  for (const walker of walkers) processed += await runSome(walker);
  return processed;
}

async function runSome(walker: Walker | undefined): Promise<number> {
  try {
    return (await walker?.run()) ?? 0;
  } catch (error) {
    if (error instanceof CausalDependencyError) return 0; // causes in other logs come first
    throw error;
  }
}
