import fc from 'fast-check';
import {
  type EventPlace,
  type Explanation,
  explain,
  memory,
  type StorageDescription,
  type TracedEffect,
} from 'kahn';
import type { RecordedPosition } from 'kahn/storage';
import { expect, test } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import { propertyRuns } from '../../support/seed.ts';
import { pipelineIds, play, type RandomSystem, randomSystems } from './random-system.ts';

interface ModelEvent extends EventPlace {
  readonly cause?: EventPlace;
}

/** Everything that a storage holds, read from beginning to end. */
interface Model {
  readonly events: ReadonlyMap<string, ModelEvent>;
  readonly positions: readonly (RecordedPosition & { readonly applicationName: string })[];
}

const keyOf = ({ applicationName, pipelineId, notificationId }: EventPlace) =>
  `${applicationName} ${pipelineId} ${notificationId}`;

async function modelOf(storage: StorageDescription): Promise<Model> {
  const opened = await openStorage(storage);
  const events: ModelEvent[] = [];
  const positions: Model['positions'][number][] = [];
  for (const applicationName of await opened.applicationNames()) {
    const recorder = await opened.openRecorder({ applicationName, setupTables: false });
    for (const one of await recorder.positions()) positions.push({ applicationName, ...one });
    for (const pipelineId of pipelineIds) {
      for (const { id, cause } of await recorder.notifications(pipelineId, 0, 1e6))
        events.push({ applicationName, pipelineId, notificationId: id, ...(cause && { cause }) });
    }
  }
  return { events: new Map(events.map((event) => [keyOf(event), event])), positions };
}

function causesIn(model: Model, event: EventPlace): string[] {
  const cause = model.events.get(keyOf(event))?.cause;
  return cause === undefined ? [] : [keyOf(cause), ...causesIn(model, cause)];
}

function effectsIn(model: Model, event: EventPlace): readonly ModelEvent[] {
  return [...model.events.values()].filter(({ cause }) => cause && keyOf(cause) === keyOf(event));
}

type Tree = readonly [key: string, unprocessedBy: readonly string[], effects: readonly Tree[]];

function treeIn(model: Model, event: EventPlace): Tree {
  const unprocessedBy = model.positions
    .filter(
      ({ upstreamName, pipelineId, position }) =>
        upstreamName === event.applicationName &&
        pipelineId === event.pipelineId &&
        position < event.notificationId,
    )
    .map(({ applicationName }) => applicationName);
  return [keyOf(event), unprocessedBy, effectsIn(model, event).map((effect) => treeIn(model, effect))];
}

const treeOf = (event: TracedEffect): Tree => [
  keyOf(event),
  event.unprocessedBy,
  event.effects.map((effect) => treeOf(effect)),
];

/** Plays a system and returns its storage, a model of it, and some of its events. */
async function played(system: RandomSystem, choice: number) {
  const storage = memory();
  await play(storage, system);
  const model = await modelOf(storage);
  const events = [...model.events.values()];
  const step = Math.ceil(events.length / 8);
  return { storage, model, events: events.filter((_, i) => i % step === choice % step) };
}

test('causes and effects equal those that a scan of all logs finds', async () => {
  const property = fc.asyncProperty(randomSystems, fc.nat(), async (system, choice) => {
    const { storage, model, events } = await played(system, choice);
    for (const event of events) {
      const { applicationName, notificationId, pipelineId } = event;
      const bounds = { pipelineId, depth: 1_000, breadth: 10_000 };
      const explanation = await explain(storage, applicationName, notificationId, bounds);
      expect(explanation.causes.map(keyOf)).toEqual(causesIn(model, event));
      expect(explanation.origin).toEqual({ kind: 'command' });
      expect(treeOf(explanation.event)).toEqual(treeIn(model, event));
      expect(explanation.cuts).toEqual([]);
    }
  });
  await fc.assert(property, propertyRuns(40, 300));
});

/** Checks that each level holds the first effects in each follower, and that the rest is named. */
function assertCut(model: Model, { event, cuts }: Explanation, depth: number, breadth: number): void {
  let level: readonly TracedEffect[] = [event];
  let named = 0;
  for (let levels = 0; level.length > 0; levels += 1) {
    let left = 0;
    for (const cause of level) {
      const all = Map.groupBy(effectsIn(model, cause), ({ applicationName }) => applicationName);
      for (const [applicationName, effects] of all) {
        const shown = cause.effects.filter((effect) => effect.applicationName === applicationName).map(keyOf);
        expect(shown).toEqual(effects.slice(0, shown.length).map(keyOf));
        const cut = cuts.filter(
          (one) => keyOf(one.cause) === keyOf(cause) && one.applicationName === applicationName,
        );
        const count = effects.length - shown.length;
        left += count;
        named += cut.length;
        expect(cut).toMatchObject(
          count === 0 ? [] : [{ reason: levels === depth ? 'depth' : 'breadth', count }],
        );
      }
    }
    const next = level.flatMap(({ effects }) => effects);
    if (levels === depth) expect(next).toEqual([]);
    else expect(next).toHaveLength(Math.min(breadth, next.length + left));
    level = next;
  }
  expect(named).toBe(cuts.length);
}

test('a tree that is cut has the first effects of each level, and names the number of the others', async () => {
  const property = fc.asyncProperty(
    randomSystems,
    fc.nat(),
    fc.integer({ min: 0, max: 4 }),
    fc.integer({ min: 1, max: 6 }),
    async (system, choice, depth, breadth) => {
      const { storage, model, events } = await played(system, choice);
      for (const event of events) {
        const { applicationName, notificationId, pipelineId } = event;
        const options = { pipelineId, depth, breadth };
        const explanation = await explain(storage, applicationName, notificationId, options);
        assertCut(model, explanation, depth, breadth);
        const causes = causesIn(model, event);
        expect(explanation.causes.map(keyOf)).toEqual(causes.slice(0, depth));
        expect(explanation.origin.kind).toBe(causes.length > depth ? 'cut' : 'command');
      }
    },
  );
  await fc.assert(property, propertyRuns(40, 300));
});
