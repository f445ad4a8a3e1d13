import fc from 'fast-check';
import { DownstreamError, run, type StorageDescription, verify } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { propertyRuns } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import {
  Audits,
  auditedDesk,
  JammedError,
  Labels,
  Parcels,
} from '../../support/systems/parking/parcel-desk.ts';
import { until } from '../../support/until.ts';

const because = { by: 'ada', reason: 'mended' };
const classes = [Labels, Audits];

/** Where handlers fail: `labels 3`, `sent 3` and `printed 3`, with the number of failures. */
type Troubles = ReadonlyMap<string, number>;

interface Scenario {
  /** Parcels that are sent, by name. */
  readonly sent: readonly string[];
  readonly troubles: readonly (readonly [string, number])[];
  readonly batchSizes: readonly number[];
  /** Number of parcels after which the system is started again. */
  readonly restartEvery: number;
  /** Number of rounds in which only part of the troubles is mended. */
  readonly rounds: number;
}

const mostParcels = 14;
const place = fc
  .tuple(fc.constantFrom('labels', 'sent', 'printed'), fc.integer({ min: 0, max: mostParcels - 1 }))
  .map(([where, number]) => `${where} ${number}`);
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  sent: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: mostParcels }),
  troubles: fc.array(fc.tuple(place, fc.constantFrom(1, 2, 5, Infinity)), { maxLength: 6 }),
  batchSizes: fc.array(fc.constantFrom(1, 2, 5, 50), { minLength: 1, maxLength: 4 }),
  restartEvery: fc.integer({ min: 1, max: mostParcels }),
  rounds: fc.integer({ min: 0, max: 2 }),
});

/** Runs a system in which handlers fail until they are mended, and returns its histories. */
async function play(
  storage: StorageDescription,
  scenario: Scenario,
  troubles: Troubles,
): Promise<readonly string[]> {
  const left = new Map(troubles);
  const fail = (where: string) => {
    const times = left.get(where) ?? 0;
    if (times <= 0) return;
    left.set(where, times - 1);
    throw new JammedError(where);
  };
  Labels.meanwhile = (number) => fail(`labels ${number}`);
  Audits.meanwhile = (type, number) => fail(`${type} ${number}`);
  const { sent, batchSizes, restartEvery, rounds } = scenario;
  let starts = 0;
  const start = () =>
    run(auditedDesk, { storage, batchSize: batchSizes[starts++ % batchSizes.length] as number });
  for (let first = 0; first < sent.length; first += restartEvery) {
    await using runner = await start();
    for (const [i, name] of sent.slice(first, first + restartEvery).entries())
      await runner
        .get(Parcels)
        .send(name, first + i)
        .catch(expectParked);
  }
  for (let round = 0; round < rounds; round += 1) {
    await using runner = await start();
    const [mended] = [...left].filter(([, times]) => times > 0)[0] ?? [];
    if (mended !== undefined) left.delete(mended);
    for (const one of classes) await runner.retry(one, {}, because);
    await runner.caughtUp().catch(expectParked);
  }
  left.clear();
  await using runner = await start();
  for (const one of classes) await runner.retry(one, {}, because);
  await until('nothing is parked', async () => {
    for (const one of classes) if ((await runner.parked(one).next()).done !== true) return false;
    return true;
  });
  await runner.caughtUp();
  const verified = await verify(runner.storage, auditedDesk);
  expect(verified.faults).toEqual([]);
  return await canonicalHistories([Parcels, Labels, Audits].map((one) => runner.get(one)));
}

function expectParked(error: unknown): void {
  expect(error).toBeInstanceOf(DownstreamError);
  for (const cause of (error as DownstreamError).failures.values())
    expect(cause).toMatchObject({ code: 'NOTIFICATION_PARKED' });
}

describe.each(storages)('parked and retried notifications on $name', ({ name, create }) => {
  test('end in the same state as a run that never failed', async () => {
    const property = fc.asyncProperty(scenarios, async (scenario) => {
      const healthy = await play(create(), scenario, new Map());
      expect(await play(create(), scenario, new Map(scenario.troubles))).toEqual(healthy);
    });
    await fc.assert(property, name === 'memory' ? propertyRuns(10, 300) : propertyRuns(1, 20));
  });
});
