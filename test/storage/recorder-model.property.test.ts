import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { memory } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, it } from 'vitest';
import type { ParkedChange, ParkedNotification, ParkedRequest } from '../../src/storage/parked.ts';
import type {
  EventKey,
  HistoryRequest,
  ProcessEvent,
  RecordedOperation,
  RecordedPosition,
  Recorder,
  StoredCommand,
} from '../../src/storage/recorder.ts';
import { openStorage, type StorageDescription } from '../../src/storage/storage.ts';
import type {
  LogPlace,
  StoredEvent,
  StoredNotification,
  StoredSnapshot,
} from '../../src/storage/stored-event.ts';
import { propertyRuns } from '../support/seed.ts';
import { connectionString, temporarySchema } from '../support/servers/postgres.ts';
import { spreadMemory } from './memory/spread-memory.ts';

/** The simplest recorder: it copies everything, checks the copy, and only then keeps it. */
class Model {
  logs: StoredNotification[][] = [[], [], []];
  snapshots: StoredSnapshot[] = [];
  positions: Record<string, RecordedPosition> = {};
  operations: RecordedOperation[] = [];
  /** Events without a place in the log, with the id 0. */
  unlisted: StoredNotification[][] = [[], [], []];
  commands: StoredCommand[] = [];
  /** In the order of parking, with the number of notifications parked until then as the id. */
  parked: ModelParked[] = [];
  parkedSoFar = 0;

  /** Head of the log, or code of the error. */
  record(pipelineId: number, processEvents: readonly ProcessEvent[]): number | string {
    const copy = structuredClone({ ...this });
    const { logs, snapshots, positions, operations, unlisted, commands } = copy;
    const log = logs[pipelineId]!;
    let refused: string | undefined;
    for (const { command } of processEvents) {
      if (command === undefined) continue;
      if (commands.some(({ key }) => key === command.key)) refused = 'KEY_CONFLICT';
      commands.push(command);
    }
    for (const { events, snapshots: own, tracking, operation } of processEvents) {
      for (const event of events) {
        if (event.originatorVersion !== newestOf([...logs, ...unlisted], event) + 1)
          refused ??= 'RECORD_CONFLICT';
        if (event.notifiable === false) unlisted[pipelineId]!.push({ id: 0, ...event });
        else log.push({ id: log.length + 1, ...event });
      }
      for (const snapshot of own) put(snapshots, snapshot);
      if (operation !== undefined) operations.push({ id: operations.length + 1, ...operation });
      if (tracking === undefined) continue;
      const { upstreamName, expected, position, mark, typesVersion = 0 } = tracking;
      const { mark: _, ...known } = this.position(pipelineId, upstreamName, positions);
      if (known.position !== expected || known.typesVersion !== typesVersion) refused ??= 'POSITION_CONFLICT';
      positions[keyOf(known)] = { ...known, position, ...(mark !== undefined && { mark }) };
    }
    const changed = new Set<string>();
    for (const change of processEvents.flatMap(({ parked = [] }) => parked)) {
      const { upstreamName, notificationId, expected, content } = change;
      const isSame = (one: ParkedNotification & { pipelineId: number }): boolean =>
        keyOfParked(one) === keyOfParked({ pipelineId, ...change });
      const index = copy.parked.findIndex(isSame);
      const known = copy.parked[index];
      const key = keyOfParked({ pipelineId, ...change });
      if (changed.has(key) || (known?.revision ?? 0) !== expected || (!known && !content))
        refused ??= 'PARKED_CONFLICT';
      changed.add(key);
      if (known === undefined) copy.parkedSoFar += 1;
      const id = known?.id ?? copy.parkedSoFar;
      const names = { pipelineId, upstreamName, notificationId };
      const next = content ? [{ id, ...names, ...content, revision: expected + 1 }] : [];
      copy.parked.splice(known ? index : copy.parked.length, 1, ...next);
    }
    if (refused !== undefined) return refused;
    Object.assign(this, copy);
    return log.length;
  }

  /** Version of the types, or code of the error. */
  recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expected: number,
    types: readonly string[],
  ): number | string {
    const known = this.position(pipelineId, upstreamName);
    if (known.typesVersion !== expected) return 'POSITION_CONFLICT';
    this.positions[keyOf(known)] = { ...known, handledTypes: types, typesVersion: expected + 1 };
    return expected + 1;
  }

  position(pipelineId: number, upstreamName: string, positions = this.positions): RecordedPosition {
    const unset = { pipelineId, upstreamName, position: 0, typesVersion: 0 };
    return positions[keyOf(unset)] ?? unset;
  }

  get heads(): LogPlace[] {
    const places = this.logs.map(({ length }, pipelineId) => ({ pipelineId, notificationId: length }));
    return places.filter(({ notificationId }) => notificationId > 0);
  }

  get events(): StoredNotification[] {
    return [...this.logs, ...this.unlisted].flat();
  }

  /** Deletes commands, and returns the times of those that remain. */
  deleteCommands(before: number, limit: number): number[] {
    const byTime = this.commands.toSorted((one, other) => one.timestamp - other.timestamp);
    const expired = byTime.filter(({ timestamp }) => timestamp < before).slice(0, limit);
    this.commands = byTime.filter((one) => !expired.includes(one));
    return this.commands.map(({ timestamp }) => timestamp);
  }

  get allPositions(): RecordedPosition[] {
    const keys = Object.keys(this.positions).toSorted(); // the order of ASCII is that of bytes
    return keys.map((key) => this.positions[key]!);
  }

  parkedIn({ pipelineId, after, limit, upstreamName, isDue }: ParkedRequest): ModelParked[] {
    const selected = this.parked.filter(
      (one) =>
        one.pipelineId === pipelineId &&
        one.id > after &&
        one.upstreamName === (upstreamName ?? one.upstreamName) &&
        one.isDue === (isDue ?? one.isDue),
    );
    return selected.slice(0, limit);
  }

  get parkedCounts(): unknown[] {
    const names = this.parked.map((one) => keyOf({ ...one, position: 0, typesVersion: 0 }));
    return [...new Set(names.toSorted())].map((name) => {
      const [pipelineId, upstreamName] = name.split(' ');
      const count = names.filter((one) => one === name).length;
      return { pipelineId: Number(pipelineId), upstreamName, count };
    });
  }

  place(key: EventKey): LogPlace | undefined {
    const places = [...this.logs.entries(), ...this.unlisted.entries()].flatMap(([pipelineId, log]) =>
      log.filter((one) => isSame(one, key)).map(({ id }) => ({ pipelineId, notificationId: id })),
    );
    return places[0];
  }

  history({ originatorId, after, upTo = Infinity, useSnapshot }: HistoryRequest): unknown {
    const within = (one: StoredEvent | StoredSnapshot): boolean =>
      one.originatorId === originatorId && one.originatorVersion > after && one.originatorVersion <= upTo;
    const snapshot = useSnapshot ? this.snapshots.filter(within).toSorted(byVersion).at(-1) : undefined;
    const events = this.events.filter(within).toSorted(byVersion);
    const start = snapshot?.originatorVersion ?? 0;
    return {
      snapshot,
      versions: events.map((one) => one.originatorVersion).filter((version) => version > start),
    };
  }
}

type ModelParked = ParkedNotification & { readonly pipelineId: number };

function keyOfParked({
  pipelineId,
  upstreamName,
  notificationId,
}: Pick<ModelParked, 'pipelineId' | 'upstreamName' | 'notificationId'>): string {
  return `${pipelineId} ${upstreamName} ${notificationId}`;
}

function keyOf({ pipelineId, upstreamName }: RecordedPosition): string {
  return `${pipelineId} ${upstreamName}`;
}

function isSame(one: EventKey, other: EventKey): boolean {
  return one.originatorId === other.originatorId && one.originatorVersion === other.originatorVersion;
}

function newestOf(logs: readonly StoredNotification[][], { originatorId }: EventKey): number {
  return logs.flat().filter((one) => one.originatorId === originatorId).length;
}

/** Creates events with a distance from the next version in place of a version, mostly 0. */
function placed(model: Model, pipelineId: number, processEvents: readonly ProcessEvent[]): ProcessEvent[] {
  const made = new Map<string, number>();
  return processEvents.map((one) => ({
    ...one,
    events: one.events.map((event) => {
      const next = (made.get(event.originatorId) ?? newestOf([model.events], event)) + 1;
      made.set(event.originatorId, next);
      return { ...event, originatorVersion: Math.max(1, next + event.originatorVersion) };
    }),
    parked: (one.parked ?? []).map((change) => {
      const key = keyOfParked({ pipelineId, ...change });
      const known = model.parked.find((own) => keyOfParked(own) === key);
      return { ...change, expected: Math.max(0, (known?.revision ?? 0) + change.expected) };
    }),
  }));
}

function byVersion(one: EventKey, other: EventKey): number {
  return one.originatorVersion - other.originatorVersion;
}

function upperCase(text: string): string {
  return text.toUpperCase();
}

function put(snapshots: StoredSnapshot[], snapshot: StoredSnapshot): void {
  const index = snapshots.findIndex((one) => isSame(one, snapshot));
  snapshots.splice(index < 0 ? snapshots.length : index, 1, snapshot);
}

interface Real {
  recorders: Recorder[];
  reopen(index: number): Promise<void>;
}
type Command = fc.AsyncCommand<Model, Real>;

/** Base of commands without a precondition. */
function command(name: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name };
}

const originatorId = fc.constantFrom('a', 'b', 'c');
const originatorVersion = fc.integer({ min: 1, max: 5 }); // few, so that commands conflict
const pipeline = fc.integer({ min: 0, max: 2 });
const upstreamName = fc.constantFrom('up', 'other');
const which = fc.integer({ min: 0, max: 1 });
const place = fc.record({ pipelineId: pipeline, notificationId: fc.integer({ min: 1, max: 5 }) });
const cause = fc.record({
  applicationName: upstreamName,
  pipelineId: pipeline,
  notificationId: fc.integer({ min: 1, max: 2 ** 40 }),
});
const correlationId = fc.oneof(fc.uuid(), fc.uuid().map(upperCase), fc.string({ unit: 'grapheme' }));
const event = fc.record(
  {
    originatorId,
    originatorVersion: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, -1),
    type: fc.constantFrom('Made', 'Changed'),
    data: fc.json(),
    timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
    dependencies: fc.array(place, { minLength: 1, maxLength: 3 }),
    cause,
    correlationId,
    metadata: fc.json(),
    notifiable: fc.constant(false as const),
  },
  { requiredKeys: ['originatorId', 'originatorVersion', 'type', 'data', 'timestamp'] },
);
const snapshot = fc.record({ originatorId, originatorVersion, schema: fc.nat(3), state: fc.json() });
const keys = ['k1', 'k2', 'k3', 'K3', 'é'];
const commandKey = fc.constantFrom(...keys);
/** Expects a distance from the recorded revision in place of the revision, mostly 0. */
const parkedChange: fc.Arbitrary<ParkedChange> = fc.record({
  upstreamName,
  notificationId: fc.integer({ min: 1, max: 3 }),
  expected: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1, -1),
  content: fc.option(
    fc.record({
      originatorId,
      isDue: fc.boolean(),
      attempts: fc.nat(3),
      since: fc.integer(),
      reason: fc.json(),
    }),
    { nil: undefined, freq: 2 },
  ),
});
const typesVersion = fc.constantFrom(0, 0, 0, 1, 2);
const processEvent: fc.Arbitrary<ProcessEvent> = fc.record(
  {
    events: fc.array(event, { maxLength: 3 }),
    snapshots: fc.array(snapshot, { maxLength: 2 }),
    tracking: fc.record(
      {
        upstreamName,
        expected: fc.nat(2),
        position: fc.nat(2),
        mark: fc.string({ unit: 'grapheme-ascii' }),
        typesVersion,
      },
      { requiredKeys: ['upstreamName', 'expected', 'position'] },
    ),
    operation: fc.record({
      timestamp: fc.nat(),
      kind: fc.constantFrom('reset', 'pause'),
      by: fc.string({ unit: 'grapheme-ascii' }),
      reason: fc.constant('é'),
      details: fc.json(),
    }),
    command: fc
      .record({
        key: commandKey,
        timestamp: fc.integer(),
        fingerprint: fc.string({ unit: 'grapheme-ascii' }),
        outcome: fc.json(),
      })
      // Commands with different keys have different times, so that their order is known.
      .map((one) => ({ ...one, timestamp: one.timestamp * keys.length + keys.indexOf(one.key) })),
    parked: fc.array(parkedChange, { maxLength: 2 }),
  },
  { requiredKeys: ['events', 'snapshots'] },
);
const request: fc.Arbitrary<HistoryRequest> = fc.record(
  { originatorId, after: fc.nat(3), upTo: fc.nat(6), useSnapshot: fc.boolean() },
  { requiredKeys: ['originatorId', 'after', 'useSnapshot'] },
);

async function assertHistories(
  model: Model,
  recorder: Recorder,
  requests: readonly HistoryRequest[],
): Promise<void> {
  const found = (await recorder.histories(requests)).map((one) => ({
    snapshot: one.snapshot,
    versions: one.events.map((own) => own.originatorVersion),
  }));
  expect(found).toEqual(requests.map((one) => model.history(one)));
}

/** Reads all possible snapshots. */
const everySnapshot: readonly HistoryRequest[] = ['a', 'b', 'c'].flatMap((originatorId) =>
  [1, 2, 3, 4, 5].map((upTo) => ({ originatorId, after: 0, upTo, useSnapshot: true })),
);

const commands: fc.Arbitrary<Command>[] = [
  fc
    .tuple(which, pipeline, fc.array(processEvent, { maxLength: 3 }))
    .map(([index, pipelineId, processEvents]) =>
      command(`record(${pipelineId}, ${fc.stringify(processEvents)})`, async (model, { recorders }) => {
        const events = placed(model, pipelineId, processEvents);
        const result = await recorders[index]!.record(pipelineId, events).catch(({ code }) => code);
        const expected = model.record(pipelineId, events);
        // A call may break the rules of versions and of positions.
        if (expected === 'RECORD_CONFLICT' || expected === 'POSITION_CONFLICT')
          expect(result).toMatch(/^(RECORD|POSITION)_CONFLICT$/);
        else expect(result).toBe(expected);
      }),
    ),
  fc.tuple(which, fc.array(snapshot, { maxLength: 3 })).map(([index, snapshots]) =>
    command(`recordSnapshots(${fc.stringify(snapshots)})`, async (model, { recorders }) => {
      await recorders[index]!.recordSnapshots(snapshots);
      for (const one of snapshots) put(model.snapshots, one);
    }),
  ),
  fc.tuple(which, fc.array(request, { maxLength: 4 })).map(([index, requests]) =>
    command(`histories(${fc.stringify(requests)})`, async (model, { recorders }) => {
      await assertHistories(model, recorders[index]!, requests);
    }),
  ),
  fc
    .tuple(which, fc.array(fc.record({ originatorId, originatorVersion }), { maxLength: 4 }))
    .map(([index, keys]) =>
      command(`locate(${fc.stringify(keys)})`, async (model, { recorders }) => {
        expect(await recorders[index]!.locate(keys)).toEqual(keys.map((key) => model.place(key)));
      }),
    ),
  fc
    .tuple(which, pipeline, fc.nat(8), fc.integer({ min: 1, max: 5 }))
    .map(([index, pipelineId, after, limit]) =>
      command(`notifications(${pipelineId}, ${after}, ${limit})`, async (model, { recorders }) => {
        const log = model.logs[pipelineId]!;
        const recorder = recorders[index]!;
        expect(await recorder.notifications(pipelineId, after, limit)).toEqual(
          log.slice(after, after + limit),
        );
        expect(await recorder.head(pipelineId)).toBe(log.length);
      }),
    ),
  fc
    .tuple(which, pipeline, fc.nat(8), fc.integer({ min: 1, max: 5 }))
    .map(([index, pipelineId, after, limit]) =>
      command(`causes(${pipelineId}, ${after}, ${limit})`, async (model, { recorders }) => {
        const expected = model.logs[pipelineId]!.slice(after, after + limit).map((one) => one.cause);
        expect(await recorders[index]!.causes(pipelineId, after, limit)).toEqual(expected);
      }),
    ),
  which.map((index) =>
    command(`logs() and positions() of ${index}`, async (model, { recorders }) => {
      expect(await recorders[index]!.logs()).toEqual(model.heads);
      expect(await recorders[index]!.positions()).toEqual(model.allPositions);
    }),
  ),
  fc.tuple(which, pipeline, upstreamName).map(([index, pipelineId, name]) =>
    command(`position(${pipelineId}, ${name})`, async (model, { recorders }) => {
      expect(await recorders[index]!.position(pipelineId, name)).toEqual(model.position(pipelineId, name));
    }),
  ),
  fc
    .tuple(
      which,
      pipeline,
      upstreamName,
      typesVersion,
      fc.array(fc.constantFrom('A', 'é.B'), { maxLength: 2 }),
    )
    .map(([index, pipelineId, name, expected, types]) =>
      command(
        `recordHandledTypes(${pipelineId}, ${name}, ${expected}, ${types})`,
        async (model, { recorders }) => {
          const call = recorders[index]!.recordHandledTypes(pipelineId, name, expected, types);
          const result = await call.catch(({ code }) => code);
          expect(result).toBe(model.recordHandledTypes(pipelineId, name, expected, types));
        },
      ),
    ),
  fc.tuple(which, fc.nat(3), fc.integer({ min: 1, max: 3 })).map(([index, after, limit]) =>
    command(`operations(${after}, ${limit})`, async (model, { recorders }) => {
      const found = await recorders[index]!.operations(after, limit);
      expect(found).toEqual(model.operations.slice(after, after + limit));
    }),
  ),
  fc.tuple(which, commandKey).map(([index, key]) =>
    command(`command(${key})`, async (model, { recorders }) => {
      const expected = model.commands.find((one) => one.key === key);
      expect(await recorders[index]!.command!(key)).toEqual(expected);
    }),
  ),
  fc.tuple(which, fc.integer(), fc.nat(2)).map(([index, before, limit]) =>
    command(`deleteCommands(${before}, ${limit})`, async (model, { recorders }) => {
      const count = model.commands.length;
      const remaining = model.deleteCommands(before, limit);
      expect(await recorders[index]!.deleteCommands!(before, limit)).toBe(count - remaining.length);
    }),
  ),
  fc
    .tuple(
      which,
      fc.record(
        {
          pipelineId: pipeline,
          after: fc.nat(6),
          limit: fc.integer({ min: 1, max: 4 }),
          upstreamName,
          isDue: fc.boolean(),
        },
        { requiredKeys: ['pipelineId', 'after', 'limit'] },
      ),
    )
    .map(([index, request]) =>
      command(`parked(${fc.stringify(request)})`, async (model, { recorders }) => {
        const recorder = recorders[index]!;
        // Ids ascend, perhaps with gaps: they are compared by their order.
        const all = await Promise.all(
          [0, 1, 2].map((pipelineId) => recorder.parked!({ pipelineId, after: 0, limit: 99 })),
        );
        const ids = all.flatMap((page) => page.map(({ id }) => id)).toSorted((one, other) => one - other);
        const ordinals = model.parked.map(({ id }) => id);
        const idOf = (ordinal: number): number => ids[ordinals.indexOf(ordinal)] ?? Infinity;
        const last = model.parked.findLast(({ id }) => id <= request.after);
        const after = last === undefined ? 0 : idOf(last.id);
        const expected = model
          .parkedIn(request)
          .map(({ pipelineId: _, ...one }) => ({ ...one, id: idOf(one.id) }));
        expect(await recorder.parked!({ ...request, after })).toEqual(expected);
        expect(await recorder.countParked!()).toEqual(model.parkedCounts);
      }),
    ),
  which.map((index) => command(`reopen(${index})`, (_model, real) => real.reopen(index))),
];

async function assertModelled(
  storage: StorageDescription,
  steps: Iterable<Command>,
  applicationName = 'orders',
): Promise<void> {
  const openedStorage = await openStorage(storage);
  const open = (): Promise<Recorder> => openedStorage.openRecorder({ applicationName, setupTables: true });
  const recorders = [await open(), await open()];
  const reopen = async (index: number): Promise<void> => {
    await recorders[index]!.close();
    recorders[index] = await open();
  };
  try {
    const model = new Model();
    await fc.asyncModelRun(() => ({ model, real: { recorders, reopen } }), steps);
    await assertHistories(model, recorders[0]!, everySnapshot);
  } finally {
    for (const recorder of recorders) await recorder.close();
    await openedStorage.close();
  }
}

describe('two recorders of one application behave like the model', () => {
  const steps = fc.commands(commands, { maxCommands: 60, size: 'max' });

  it('in memory', async () => {
    await fc.assert(
      fc.asyncProperty(steps, (some) => assertModelled(memory(), some)),
      propertyRuns(100, 300),
    );
  });

  it('in PostgreSQL', async () => {
    const schema = temporarySchema();
    let run = 0;
    const property = fc.asyncProperty(steps, (some) => {
      run += 1;
      return assertModelled(postgres({ connectionString, schema, poolSize: 2 }), some, `orders ${run}`);
    });
    await fc.assert(property, { ...propertyRuns(5, 20), endOnFailure: true });
  });

  it('in memory shared by two replicas', async () => {
    const property = fc.asyncProperty(steps, (some) =>
      assertModelled(spreadMemory('another store of this thread'), some),
    );
    await fc.assert(property, propertyRuns(50, 150));
  });

  it('in SQLite', async () => {
    const property = fc.asyncProperty(steps, async (some) => {
      const directory = await mkdtemp(join(tmpdir(), 'kahn-model-'));
      try {
        await assertModelled(sqlite({ directory, synchronous: 'NORMAL' }), some);
      } finally {
        await rm(directory, { recursive: true });
      }
    });
    await fc.assert(property, propertyRuns(20, 60));
  });
});
