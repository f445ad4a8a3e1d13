import fc from 'fast-check';
import { memory, type StorageDescription, System } from 'kahn';
import { expect, test } from 'vitest';
import { RecordedNotificationLog } from '../../../src/application/log/notification-log.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { intermediatesOf, upstreamsOf } from '../../../src/system/graph.ts';
import { assertCausesFirst } from '../../support/cause-order.ts';
import { propertyRuns } from '../../support/seed.ts';
import { type Relay, type RelayClass, relay } from '../../support/systems/relays.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f'];

/** Work of some relays at the same time. */
type Step =
  | { readonly kind: 'move'; readonly who: number; readonly hops: readonly number[] }
  | { readonly kind: 'restart'; readonly who: number }
  | { readonly kind: 'run'; readonly runs: readonly Run[] };
/** Processes some batches of one upstream. */
interface Run {
  readonly who: number;
  readonly upstream: number;
  readonly batches: number;
  readonly upTo: number | undefined;
}

const who = fc.nat(2 * names.length - 1);
const name = fc.nat(names.length - 1);
const run = fc.record({
  who,
  upstream: fc.nat(names.length - 1),
  batches: fc.integer({ min: 1, max: 3 }),
  upTo: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('move' as const),
      who,
      hops: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), who }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      runs: fc.array(run, { minLength: 1, maxLength: 4 }),
    }),
  },
);

/** Edges in any direction: most graphs have cycles and diamonds, some of them through relays that are not followed. */
const edges = fc.uniqueArray(fc.tuple(name, name), {
  minLength: 5,
  maxLength: 11,
  selector: ([upstream, downstream]) => upstream * names.length + downstream,
});

/** The relays of a system, each open once or twice, as on two hosts. Each can be closed and opened again. */
class Relays {
  readonly #system: System<RelayClass>;
  readonly #storage: StorageDescription = memory();
  readonly #batchSize: number;
  readonly #recorders = new Map<string, Recorder>();
  readonly all: Relay[] = [];

  constructor(system: System<RelayClass>, batchSize: number) {
    this.#system = system;
    this.#batchSize = batchSize;
  }

  async open(hosts: number): Promise<void> {
    const kinds = Array.from({ length: hosts }, () => this.#system.applications).flat();
    for (const kind of kinds) this.all.push(await this.#system.open(kind, { storage: this.#storage }));
    const openedStorage = await openStorage(this.#storage);
    for (const { applicationName } of this.#system.applications)
      this.#recorders.set(
        applicationName,
        await openedStorage.openRecorder({ applicationName, setupTables: false }),
      );
    for (const one of this.all) this.#follow(one);
  }

  async restart(which: number): Promise<void> {
    const index = which % this.all.length;
    await this.all[index]!.close();
    const { applications } = this.#system;
    const one = await this.#system.open(applications[index % applications.length]!, {
      storage: this.#storage,
    });
    this.#follow(one);
    this.all[index] = one;
  }

  async run({ who, upstream, batches, upTo }: Run): Promise<void> {
    const one = this.all[who % this.all.length]!;
    const upstreamNames = upstreamsOf(this.#system.graph, one.applicationName);
    const upstreamName = upstreamNames[upstream % upstreamNames.length];
    if (upstreamName === undefined) return;
    await one.run({ upstreamName, batches, ...(upTo !== undefined && { upTo }) });
  }

  /** Runs all relays until nothing is left, beginning with the last one. */
  async runToTheEnd(): Promise<void> {
    for (let count = 1; count > 0; ) {
      count = 0;
      for (const one of this.all.toReversed()) count += await one.run();
    }
  }

  async close(): Promise<void> {
    for (const one of this.all) await one.close();
  }

  #follow(one: Relay): void {
    const { graph } = this.#system;
    const recorderOf = (name: string) => this.#recorders.get(name)!;
    const intermediates = intermediatesOf(graph, one.applicationName).map(
      (name) => [name, recorderOf(name)] as const,
    );
    processApplicationInternals.setIntermediates(one, new Map(intermediates));
    for (const name of upstreamsOf(graph, one.applicationName))
      one.follow(
        new RecordedNotificationLog(recorderOf(name), { applicationName: name, pipelineId: 0 }),
        this.#batchSize,
      );
  }
}

async function take(one: Step, relays: Relays): Promise<void> {
  if (one.kind === 'move') await relays.all[one.who % relays.all.length]!.move(...one.hops);
  else if (one.kind === 'restart') await relays.restart(one.who);
  else await Promise.all(one.runs.map((each) => relays.run(each)));
}

test('nothing is processed before its causes, and everything in the end, in random graphs', async () => {
  let diamonds = 0;
  const property = fc.asyncProperty(
    edges,
    fc.array(step, { minLength: 10, maxLength: 60 }),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 2 }),
    async (pairs, steps, batchSize, hosts) => {
      const kinds = names.map(relay);
      const pipelines = pairs.map((pair) => pair.map((index) => kinds[index]!));
      const system = System.of(pipelines as [RelayClass[]]) as System<RelayClass>;
      const relays = new Relays(system, batchSize);
      await relays.open(hosts);
      diamonds += system.graph.nodes.filter(
        ({ name }) => intermediatesOf(system.graph, name).length > 0,
      ).length;
      for (const one of steps) await take(one, relays);
      await relays.runToTheEnd();
      await assertCausesFirst(system, relays.all.slice(0, system.applications.length));
      await relays.close();
    },
  );
  await fc.assert(property, propertyRuns(100, 1_000));
  expect(diamonds).toBeGreaterThan(20);
});
