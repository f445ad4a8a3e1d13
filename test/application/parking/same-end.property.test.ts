import fc from 'fast-check';
import {
  DownstreamError,
  type ParkedFilter,
  run,
  type StorageDescription,
  type SystemRunner,
  verify,
} from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { propertyRuns } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import {
  type NoteSystem,
  noteSystem,
  Office,
  type OfficeClass,
  type SourceClass,
} from '../../support/systems/parking/note-offices.ts';
import { JammedError } from '../../support/systems/parking/parcel-desk.ts';
import { byTier } from '../../support/tier.ts';
import { until } from '../../support/until.ts';

const because = { by: 'ada', reason: 'mended' };
const offices = 4;
const mostNotes = 14;
type Runner = SystemRunner<SourceClass | OfficeClass>;

/** Which parked notifications of an office are retried: all, the first one, or those of the aggregate of the last one. */
type Selection = 'all' | 'first' | 'aggregate';

interface Scenario {
  /** For each office, what it follows: see `noteSystem()`. */
  readonly followed: readonly (readonly number[])[];
  /** Source and key of each note; its number is its place. */
  readonly notes: readonly { readonly source: number; readonly key: string }[];
  /** Where handlers fail, and how often: office, number of the note, failures. */
  readonly troubles: readonly (readonly [number, number, number])[];
  readonly batchSizes: readonly number[];
  /** Number of notes after which the system is started again. */
  readonly restartEvery: number;
  /** What is retried after one trouble is mended, before all of them are. */
  readonly rounds: readonly (readonly [number, Selection])[];
}

const office = fc.integer({ min: 0, max: offices - 1 });
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  followed: fc.tuple(
    ...Array.from({ length: offices }, (_, i) =>
      fc.uniqueArray(fc.integer({ min: 0, max: i + 1 }), { minLength: 1, maxLength: 3 }),
    ),
  ),
  notes: fc.array(fc.record({ source: fc.integer({ min: 0, max: 1 }), key: fc.constantFrom('a', 'b') }), {
    minLength: 1,
    maxLength: mostNotes,
  }),
  troubles: fc.array(
    fc.tuple(office, fc.integer({ min: 0, max: mostNotes - 1 }), fc.constantFrom(1, 2, 5, Infinity)),
    { maxLength: 8 },
  ),
  batchSizes: fc.array(fc.constantFrom(1, 2, 5, 50), { minLength: 1, maxLength: 4 }),
  restartEvery: fc.integer({ min: 1, max: mostNotes }),
  rounds: fc.array(fc.tuple(office, fc.constantFrom<Selection>('all', 'first', 'aggregate')), {
    maxLength: 4,
  }),
});

/** Runs a system in which handlers fail until they are mended, and returns its histories. */
async function play(
  storage: StorageDescription,
  { system, sources, offices: classes }: NoteSystem,
  { notes, troubles, batchSizes, restartEvery, rounds }: Scenario,
): Promise<readonly string[]> {
  const left = new Map(troubles.map(([where, number, times]) => [`n${where} ${number}`, times]));
  Office.meanwhile = (name, number) => {
    const place = `${name} ${number}`;
    const times = left.get(place) ?? 0;
    if (times <= 0) return;
    left.set(place, times - 1);
    throw new JammedError(place);
  };
  let starts = 0;
  const start = (): Promise<Runner> =>
    run(system, { storage, batchSize: batchSizes[starts++ % batchSizes.length] as number });
  const known = sources.filter((one) => system.applications.includes(one));
  for (let first = 0; first < notes.length; first += restartEvery) {
    await using runner = await start();
    for (const [i, { source, key }] of notes.slice(first, first + restartEvery).entries())
      await runner
        .get(known[source % known.length] as SourceClass)
        .note(key, first + i)
        .catch(expectParked);
  }
  for (const [where, selection] of rounds) {
    await using runner = await start();
    const [mended] = [...left].find(([, times]) => times > 0) ?? [];
    if (mended !== undefined) left.delete(mended);
    const one = classes[where] as OfficeClass;
    const filter = await filterFor(runner, one, selection);
    if (filter !== undefined) await runner.retry(one, filter, because);
    await runner.caughtUp().catch(expectParked);
    expect((await verify(runner.storage, system)).faults).toEqual([]);
  }
  left.clear();
  await using runner = await start();
  for (const one of classes) await runner.retry(one, {}, because);
  await until('nothing is parked', async () => {
    for (const one of classes) if ((await runner.parked(one).next()).done !== true) return false;
    return true;
  });
  await runner.caughtUp();
  expect((await verify(runner.storage, system)).faults).toEqual([]);
  return await canonicalHistories(
    system.applications.map((one) => runner.get(one)),
    { causes: true },
  );
}

/** Returns a filter that selects parked notifications of an office; undefined if nothing is parked. */
async function filterFor(
  runner: Runner,
  one: OfficeClass,
  selection: Selection,
): Promise<ParkedFilter | undefined> {
  if (selection === 'all') return {};
  const parked = [];
  for await (const each of runner.parked(one)) parked.push(each);
  if (selection === 'first') return parked[0] && { notificationId: parked[0].notificationId };
  const last = parked.at(-1);
  return last && { originatorId: last.originatorId };
}

function expectParked(error: unknown): void {
  expect(error).toBeInstanceOf(DownstreamError);
  for (const cause of (error as DownstreamError).failures.values())
    expect(cause).toMatchObject({ code: 'NOTIFICATION_PARKED' });
}

// Each case starts a system many times.
const tested = byTier(
  storages.filter(({ name }) => name !== 'postgres'),
  storages,
);

describe.each(tested)('parked and retried notifications on $name', ({ name, create }) => {
  test('end in the same state as a run that never failed, in random systems', async () => {
    const property = fc.asyncProperty(scenarios, async (scenario) => {
      const system = noteSystem(scenario.followed);
      const healthy = await play(create(), system, { ...scenario, troubles: [], rounds: [] });
      expect(await play(create(), system, scenario)).toEqual(healthy);
    });
    await fc.assert(property, name === 'memory' ? propertyRuns(10, 300) : propertyRuns(1, 20));
  });
});
