import fc from 'fast-check';
import {
  Aggregate,
  Application,
  type DomainEvent,
  defineEvents,
  type EventType,
  event,
  ProcessApplication,
  type StorageDescription,
} from 'kahn';
import { expect, test } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import { propertyRuns } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import { Entry, type EntryEvent } from '../../support/systems/evolution/entries.ts';

interface Data {
  readonly n: number;
  readonly path: string;
}
type AnyEvent = DomainEvent<string, Data>;

/** Former types: one that has a new name, or one that is read as several ones, of which an odd number leaves out the first. */
type Former =
  | { readonly rename: number; readonly into?: undefined }
  | { readonly into: readonly number[]; readonly versions: number; readonly isByData: boolean };

/** Types `T0` to `T2`, each with a number of steps; former types `F0`, `F1` and so on. */
interface Definitions {
  readonly steps: readonly number[];
  readonly former: readonly Former[];
}

type Action =
  | {
      readonly kind: 'record';
      readonly id: number;
      readonly type: number;
      readonly version: number;
      readonly n: number;
    }
  | { readonly kind: 'add'; readonly id: number; readonly type: number; readonly n: number }
  | { readonly kind: 'load'; readonly id: number }
  | { readonly kind: 'follow'; readonly most: number }
  | { readonly kind: 'restart' };

const number = fc.nat(2);
const definitions: fc.Arbitrary<Definitions> = fc.record({
  steps: fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }),
  former: fc.array(
    fc.oneof(
      fc.record({ rename: number }),
      fc.record({ into: fc.array(number, { maxLength: 3 }), versions: fc.nat(2), isByData: fc.boolean() }),
    ),
    { minLength: 1, maxLength: 4 },
  ),
});
const recorded = fc.record({
  kind: fc.constant('record' as const),
  id: number,
  type: fc.nat(6),
  version: fc.nat(9),
  n: fc.nat(9),
});
const actions: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: recorded },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('add' as const), id: number, type: number, n: fc.nat(9) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('load' as const), id: number }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('follow' as const), most: fc.integer({ min: 1, max: 9 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  ),
  { minLength: 3, maxLength: 40 },
);
const setup = fc.record({
  cacheSize: fc.constantFrom(0, 2, 10_000),
  snapshotEvery: fc.constantFrom(undefined, 1, 2, 3),
  batchSize: fc.constantFrom(1, 2, 3, 500),
  handled: fc.constantFrom(['T0'], ['T1', 'T2'], ['T0', 'T1', 'T2']),
});

const step =
  (i: number) =>
  ({ n, path }: Data): Data => ({ n: n + i, path: `${path}>${i}` });
const part = ({ n, path }: Data, i: number): Data => ({ n, path: `${path}/${i}` });

/** Defines events as a program does. */
function defined({ steps, former }: Definitions): readonly string[] {
  const chain = (length: number) => {
    let definition = event<Data>();
    for (let i = 1; i <= length; i += 1) definition = definition.upcast(step(i));
    return definition;
  };
  const current: Record<string, EventType<Data>> = Object.fromEntries(
    steps.map((length, i) => [`T${i}`, chain(length)]),
  );
  const earlier = former.map((one, i) => {
    if (one.into === undefined) return [`F${i}`, `T${one.rename}`];
    const split = (data: Data) =>
      one.into
        .map((type, index) => ({ type: `T${type}`, data: part(data, index) }))
        .slice(one.isByData && data.n % 2 === 1 ? 1 : 0);
    return [`F${i}`, chain(one.versions).into(split)];
  });
  return defineEvents(current, { former: Object.fromEntries(earlier) });
}

/** Stored type of an action, and what it is read as: all functions applied in one go. */
function modelOf(
  { steps, former }: Definitions,
  { type, version, n }: { type: number; version: number; n: number },
) {
  const one = type < 3 ? undefined : former[(type - 3) % former.length];
  const name = type < 3 ? `T${type}` : `F${(type - 3) % former.length}`;
  const target = type < 3 ? type : one?.into === undefined ? (one?.rename ?? 0) : undefined;
  const last = target === undefined ? (one?.into === undefined ? 0 : one.versions) : (steps[target] ?? 0);
  const first = version % (last + 1);
  const old: Data = { n, path: name };
  let data = old;
  for (let i = first + 1; i <= last; i += 1) data = step(i)(data);
  const parts =
    target === undefined && one?.into !== undefined
      ? one.into.map((to, i) => [`T${to}`, part(data, i)])
      : [[`T${target}`, data]];
  const isShort = one?.into !== undefined && one.isByData && data.n % 2 === 1;
  const read = (isShort ? parts.slice(1) : parts).map(([as, value]) => `${as} ${JSON.stringify(value)}`);
  return { storedType: first === 0 ? name : `${name}@${first + 1}`, data: old, read };
}

/** A recorded event in the model. */
interface Recorded {
  readonly id: string;
  readonly read: readonly string[];
}

function program(emits: readonly string[], handled: readonly string[], snapshotEvery: number | undefined) {
  class Thing extends Aggregate<AnyEvent> {
    static override readonly snapshotEvery = snapshotEvery;
    seen: readonly string[] = [];
    add(type: string, data: Data): this {
      this.trigger(type, data);
      return this;
    }
    protected override apply({ type, data }: AnyEvent) {
      this.seen = [...this.seen, `${type} ${JSON.stringify(data)}`];
    }
  }
  class Things extends Application<AnyEvent> {
    static readonly applicationName = 'things';
    static readonly emits = emits;
  }
  class Journal extends ProcessApplication<EntryEvent, AnyEvent> {
    static readonly applicationName = 'journal';
    static readonly emits = ['Entry.Made'] as const;
    override readonly policy = this.when(
      Object.fromEntries(
        handled.map((name) => [
          name,
          ({ type, data }: AnyEvent, repository: { deriveId(): string }) =>
            Entry.make(`${type} ${JSON.stringify(data)}`, repository.deriveId()),
        ]),
      ),
    );
  }
  return { Thing, Things, Journal };
}

/** Runs actions, and compares all that programs see with the model. */
async function check(
  storage: StorageDescription,
  definition: Definitions,
  script: readonly Action[],
  {
    cacheSize,
    snapshotEvery,
    batchSize,
    handled,
  }: { cacheSize: number; snapshotEvery: number | undefined; batchSize: number; handled: readonly string[] },
): Promise<void> {
  const { Thing, Things, Journal } = program(defined(definition), handled, snapshotEvery);
  const open = async () => {
    const things = await Things.open({ storage, cacheSize });
    const journal = await Journal.open({ storage, cacheSize });
    journal.follow(things.log, batchSize);
    return { things, journal, close: () => Promise.all([things.close(), journal.close()]) };
  };
  const raw = await openStorage(storage);
  let now = await open();
  const log: Recorded[] = [];
  const lengthOf = (id: string) => log.filter((one) => one.id === id).length;
  const assertState = async (id: string, version = lengthOf(id)) => {
    const isThere = await now.things.repository.has(Thing, id, { version });
    expect(isThere).toBe(version > 0);
    if (!isThere) return;
    const thing = await now.things.repository.get(Thing, id, version === lengthOf(id) ? {} : { version });
    const own = log.filter((one) => one.id === id).slice(0, version);
    expect([thing.version, thing.seen]).toEqual([version, own.flatMap(({ read }) => read)]);
  };
  try {
    const recorder = await raw.openRecorder({ applicationName: 'things', setupTables: true });
    for (const action of script) {
      const id = 'id' in action ? `thing ${action.id}` : '';
      if (action.kind === 'restart') {
        await now.close();
        now = await open();
      } else if (action.kind === 'follow') await now.journal.run({ batches: action.most });
      else if (action.kind === 'load') await assertState(id);
      else if (action.kind === 'add') {
        const data = { n: action.n, path: 'new' };
        const type = `T${action.type}`;
        const known = lengthOf(id) > 0 ? await now.things.repository.get(Thing, id) : new Thing(id);
        await now.things.save(known.add(type, data));
        log.push({ id, read: [`${type} ${JSON.stringify(data)}`] });
      } else {
        const { storedType: type, data, read } = modelOf(definition, action);
        const originatorVersion = lengthOf(id) + 1;
        const stored = {
          originatorId: id,
          originatorVersion,
          type,
          data: JSON.stringify(data),
          timestamp: log.length,
        };
        await recorder.record(0, [{ events: [stored], snapshots: [] }]);
        log.push({ id, read });
      }
    }
    for (const id of ['thing 0', 'thing 1', 'thing 2']) {
      await assertState(id);
      for (let version = 1; version < lengthOf(id); version += 1) await assertState(id, version);
    }
    const expected = log.flatMap(({ read }, i) => read.map((text) => `${i + 1} ${text}`));
    const seen: string[] = [];
    const reader = now.things.reader();
    for (let page = await reader.read(2); page.length > 0; page = await reader.read(2))
      for (const { id, event } of page) seen.push(`${id} ${event.type} ${JSON.stringify(event.data)}`);
    expect([seen, reader.position]).toEqual([expected, log.length]);
    await now.journal.run();
    const entries: string[] = [];
    const ids = new Set<string>();
    for await (const { event } of now.journal.reader()) {
      entries.push(`${event.cause?.notificationId} ${event.data.what}`);
      ids.add(event.originatorId);
    }
    const isHandled = (text: string) => handled.some((type) => type === text.split(' ')[1]);
    expect(entries).toEqual(expected.filter(isHandled));
    expect(ids.size).toBe(entries.length);
    await recorder.close();
  } finally {
    await now.close();
    await raw.close();
  }
}

const runs = { memory: propertyRuns(80, 2_000), sqlite: propertyRuns(5, 100), postgres: propertyRuns(2, 40) };

test.each(storages)(
  'events are read as if all functions were applied in one go, on $name',
  async ({ name, create }) => {
    await fc.assert(
      fc.asyncProperty(definitions, actions, setup, (definition, script, options) =>
        check(create(), definition, script, options),
      ),
      { ...runs[name as keyof typeof runs], endOnFailure: true },
    );
  },
  600_000,
);
