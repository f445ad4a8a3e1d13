import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import {
  Aggregate,
  type DomainEvent,
  DownstreamError,
  memory,
  ProcessApplication,
  run,
  type StorageDescription,
  System,
} from 'kahn';
import { expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import type { RecordedPosition } from '../../../src/storage/recorder.ts';
import type { StoredNotification } from '../../../src/storage/stored-event.ts';
import { unlessAborted } from '../../../src/util/abort.ts';
import { rejectionOf } from '../../support/errors.ts';
import { propertyRuns } from '../../support/seed.ts';
import { inTime } from '../../support/until.ts';

/** An event has `fan` effects in each application that handles its type, with `depth` generations after it. */
interface Plan {
  readonly depth: number;
  readonly fan: number;
  /** Name of the application whose policy fails on the last generation. */
  readonly poisons: string;
}
type SignalEvent = DomainEvent<'Signal.A' | 'Signal.B', Plan>;
const types = ['Signal.A', 'Signal.B'] as const;

class Signal extends Aggregate<SignalEvent> {
  static make(type: SignalEvent['type'], plan: Plan, id?: string): Signal {
    return Signal.create(type, plan, id);
  }
}

const names = ['a', 'b', 'c', 'd'];

/** Makes an application whose policy handles some types of events. */
function relay(name: string, handled: readonly string[]) {
  return class Relay extends ProcessApplication<SignalEvent, SignalEvent> {
    static readonly applicationName = name;
    static readonly emits = types;
    override readonly policy = this.when(
      Object.fromEntries(
        handled.map((type) => [
          type,
          async ({ type: handledType, data }: SignalEvent, repository: { deriveId(): string }) => {
            if (data.fan % 2 === 1) await nextTurn();
            if (data.depth === 0 && data.poisons === name) throw new RangeError('poison');
            if (data.depth === 0) return;
            const next = { ...data, depth: data.depth - 1 };
            const other = handledType === 'Signal.A' ? 'Signal.B' : 'Signal.A';
            return Array.from({ length: data.fan }, (_, i) =>
              Signal.make(i % 2 === 0 ? handledType : other, next, repository.deriveId()),
            );
          },
        ]),
      ),
    );
  };
}

type RelayClass = ReturnType<typeof relay>;
type RelaySystem = System<RelayClass>;
type Relay = InstanceType<RelayClass>;

const name = fc.constantFrom(...names);
const command = fc.record({
  by: name,
  type: fc.constantFrom(...types),
  depth: fc.integer({ min: 0, max: 3 }),
  fan: fc.integer({ min: 1, max: 2 }),
  poisons: fc.oneof({ weight: 12, arbitrary: fc.constant('nobody') }, { weight: 1, arbitrary: name }),
  pause: fc.integer({ min: 0, max: 2 }),
});
const scene = fc.record({
  edges: fc.uniqueArray(fc.tuple(name, name), { minLength: 1, maxLength: 7, selector: String }),
  handles: fc.array(fc.subarray([...types], { minLength: 1 }), { minLength: 4, maxLength: 4 }),
  commands: fc.array(command, { minLength: 1, maxLength: 12 }),
  batchSize: fc.constantFrom(1, 3, 500),
  hasOtherFollowers: fc.boolean(),
});
type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never;

/** Logs and positions at one moment. */
interface Books {
  readonly logs: ReadonlyMap<string, readonly StoredNotification[]>;
  position(follower: string, upstream: string): number;
}

async function read(applications: ReadonlyMap<string, Relay>): Promise<Books> {
  const logs = new Map<string, readonly StoredNotification[]>();
  const positions = new Map<string, number>();
  const reads: Promise<void>[] = [];
  for (const [application, one] of applications) {
    const { recorder } = applicationInternals.storeOf(one);
    reads.push(recorder.notifications(0, 0, 100_000).then((log) => void logs.set(application, log)));
    for (const upstream of applications.keys()) {
      const note = ({ position }: RecordedPosition) =>
        void positions.set(`${application} ${upstream}`, position);
      reads.push(recorder.position(0, upstream).then(note));
    }
  }
  await Promise.all(reads);
  return { logs, position: (follower, upstream) => positions.get(`${follower} ${upstream}`) ?? 0 };
}

/** Names of the followers that have not processed an event, or what follows from it, although they handle it. */
function whatFollows(
  books: Books,
  system: RelaySystem,
  handlesOf: (name: string) => readonly string[],
  first: { readonly log: string; readonly id: number },
) {
  const pending = new Set<string>();
  const todo = [first];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { log, id } = next;
    const event = books.logs.get(log)?.[id - 1];
    for (const { upstream, downstream } of system.graph.edges) {
      if (upstream !== log || !handlesOf(downstream).includes(event?.type ?? '')) continue;
      if (books.position(downstream, upstream) < id) pending.add(downstream);
      for (const effect of books.logs.get(downstream) ?? []) {
        if (effect.cause?.applicationName === log && effect.cause.notificationId === id)
          todo.push({ log: downstream, id: effect.id });
      }
    }
  }
  return [...pending];
}

/** Follows the same logs beside the runner, as another process does, until the signal is aborted. */
async function followElsewhere(system: RelaySystem, storage: StorageDescription, signal: AbortSignal) {
  const opened = new Map<string, Relay>();
  for (const kind of system.applications) opened.set(kind.applicationName, await kind.open({ storage }));
  for (const { upstream, downstream } of system.graph.edges) {
    opened.get(downstream)?.follow((opened.get(upstream) as Relay).log, 2);
  }
  while (!signal.aborted) {
    for (const one of opened.values()) await one.run({ batches: 1 }).catch(() => {}); // poison
    await nextTurn();
  }
  for (const one of opened.values()) await one.close();
}

test('save() waits for exactly what follows from its events, and rejects if a part of that failed', async () => {
  const property = async ({ edges, handles, commands, batchSize, hasOtherFollowers }: Scene) => {
    const handlesOf = (one: string) => handles[names.indexOf(one)] as readonly string[];
    const kinds = new Map(names.map((one) => [one, relay(one, handlesOf(one))]));
    const system: RelaySystem = System.of(
      edges.map((edge) => edge.map((one) => kinds.get(one) as RelayClass)),
    );
    const storage = memory();
    const stop = new AbortController();
    const elsewhere = hasOtherFollowers ? followElsewhere(system, storage, stop.signal) : undefined;
    await using runner = await run(system, { storage, batchSize });
    const own = new Map(system.applications.map((kind) => [kind.applicationName, runner.get(kind)]));
    const outcomes = commands.map(async ({ by, type, pause, ...plan }) => {
      for (let i = 0; i < pause; i += 1) await nextTurn();
      const signal = Signal.make(type, plan);
      const outcome = own
        .get(by)
        ?.save(signal)
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      if (outcome === undefined) return; // not part of the system
      const error = await unlessAborted(outcome, inTime());
      const books = await read(own);
      const id = (books.logs.get(by) ?? []).findIndex(({ originatorId }) => originatorId === signal.id) + 1;
      const pending = whatFollows(books, system, handlesOf, { log: by, id });
      if (error === undefined) return void expect(pending).toEqual([]);
      const failed = [...(error as DownstreamError).failures.keys()];
      // Beside a runner that has failed, another one may still process what follows.
      if (hasOtherFollowers) return;
      expect(failed).toEqual(expect.arrayContaining(pending));
      expect(pending).not.toEqual([]);
    });
    await Promise.all(outcomes);
    const failed = (await runner.status()).filter(({ state }) => state === 'failed');
    const caughtUp = runner.caughtUp({ signal: inTime() });
    if (failed.length > 0) await rejectionOf(caughtUp, DownstreamError);
    else await caughtUp;
    stop.abort();
    await elsewhere;
  };
  await fc.assert(fc.asyncProperty(scene, property), propertyRuns(60, 600));
});
