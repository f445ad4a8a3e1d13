import type { ApplicationClass, SteppingRunnerOptions, StorageDescription } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { storages } from '../../support/storages.ts';
import { type DiamondSystem, diamonds, type RelayClass, relays } from '../../support/systems/relays.ts';
import { Stairs, stairs } from '../multi-threaded/recursive-system.ts';
import { logTicks, type Scenario, type Stepper, steppers } from './tick-log.ts';
import { bookkeeping, Tills } from './till-system.ts';

const [single, multi] = steppers;

const aShop: Scenario<(typeof shop.applications)[number]> = {
  system: shop,
  ticks: 18,
  schedule(runner) {
    const orders = runner.get(Orders);
    const random = randomNumbers(1);
    for (let i = 0; i < 20; i += 1) {
      runner.callInFuture(() => orders.place(`customer ${i}`), 1 + Math.floor(random() * 12));
    }
    // Concurrent saves of one command share a commit.
    runner.callInFuture(() => Promise.all(['ada', 'bob', 'cy'].map((name) => orders.place(name))), 5);
  },
};

const someBooks: Scenario<(typeof bookkeeping.applications)[number]> = {
  system: bookkeeping,
  ticks: 14,
  schedule(runner) {
    const tills = runner.get(Tills);
    const random = randomNumbers(2);
    for (let i = 0; i < 15; i += 1) {
      const amounts = Array.from({ length: 1 + Math.floor(random() * 4) }, () => Math.floor(random() * 100));
      runner.callInFuture(() => tills.open(...amounts), 1 + Math.floor(random() * 10));
    }
  },
};

/** An application that follows itself, and one that follows the first and is followed by it. */
const someStairs: Scenario<(typeof stairs.applications)[number]> = {
  system: stairs,
  ticks: 9,
  schedule(runner) {
    for (const [i, height] of [3, 5, 0, 2].entries())
      runner.callInFuture(() => runner.get(Stairs).climb(height), i + 1);
  },
};

/** Relays with a new follower, which finds causes and effects in its first tick. */
function someTokens({ system, before }: DiamondSystem): Scenario<RelayClass> {
  return {
    system,
    ticks: 12,
    async prepare(storage) {
      await using runner = await single.start(before.bind(storage), { startTimeMs: 1, paused: true });
      runner.callInFuture(() => runner.get(relays.a).move(4, 0, 3, 1, 2, 4));
      await runner.caughtUp();
    },
    schedule(runner) {
      runner.callInFuture(() => runner.get(relays.a).move(3, 2, 3), 2);
    },
  };
}

type Run = readonly [
  name: string,
  stepper: Stepper,
  storage: StorageDescription,
  options?: SteppingRunnerOptions,
];

/** Records the scenario in all runs at the same time, and checks that every tick equals that of the first run. */
async function assertEqual<Apps extends ApplicationClass>(scenario: Scenario<Apps>, runs: readonly Run[]) {
  const told = await Promise.all(
    runs.map(async ([name, stepper, storage, options]) => ({
      name,
      options,
      tickLog: await logTicks(scenario, stepper, storage, options),
    })),
  );
  const [first, ...others] = told;
  const { ticks, end } = first!.tickLog;
  expect(ticks.at(-1)?.applications.every(({ fetched, recorded }) => fetched + recorded === 0)).toBe(true);
  for (const { name, options, tickLog } of others) {
    for (const [i, tick] of ticks.entries()) {
      expect(JSON.stringify(tickLog.ticks[i]), `tick ${i + 1} of ${name}`).toBe(JSON.stringify(tick));
    }
    expect(tickLog.end.positions, name).toEqual(end.positions);
    // Snapshots are taken at the end of a batch.
    if (options?.batchSize === undefined) expect(tickLog.end.snapshots, name).toEqual(end.snapshots);
  }
  return first!.tickLog;
}

/** Runs of every runner on every storage. */
function everywhere(tested: typeof storages = storages): Run[] {
  return tested.flatMap(({ name, create }) =>
    steppers.map((stepper): Run => [`${stepper.name} on ${name}`, stepper, create()]),
  );
}

function onMemory(): Run[] {
  return everywhere(storages.filter(({ name }) => name === 'memory'));
}

describe('the same commands give the same logs, byte for byte, tick by tick', () => {
  test('with threads and without, on every storage', async () => {
    const { ticks, end } = await assertEqual(aShop, everywhere());
    expect(ticks.flatMap(({ logs }) => logs[0])).toHaveLength(3 * 23);
    expect(end.positions).toEqual({
      'orders>reservations': 69,
      'reservations>orders': 23,
      'orders>payments': 69,
      'payments>orders': 23,
    });
  });

  test('where aggregates get new ids everywhere, and an application follows two others', async () => {
    const { ticks, end } = await assertEqual(someBooks, everywhere());
    expect(end.snapshots).toMatchObject([{ originatorId: 'the book' }]);
    const ids = ticks.flatMap(({ logs }) => logs.flat().map(({ originatorId }) => originatorId));
    expect(new Set(ids).size).toBeGreaterThan(30);
  });

  test('where an application follows itself', async () => {
    const { ticks } = await assertEqual(someStairs, everywhere());
    expect(ticks.flatMap(({ logs }) => logs[0]).length).toBeGreaterThan(14);
  });

  test('with any batch size and any cache', async () => {
    const create = storages[1]!.create;
    const sizes = [1, 2, 7, 500];
    const runs = sizes.map(
      (batchSize): Run => [
        `batches of ${batchSize}`,
        single,
        create(),
        { batchSize, cacheSize: batchSize - 1 },
      ],
    );
    runs.push(['batches of 2 in threads', multi, create(), { batchSize: 2 }]);
    await assertEqual(aShop, runs);
    for (const scenario of [someStairs, someBooks] as Scenario<ApplicationClass>[]) {
      await assertEqual(scenario, [
        ['batches of 1', single, create(), { batchSize: 1 }],
        ['batches of 3', single, create(), { batchSize: 3 }],
        ['batches of 500', single, create(), { batchSize: 500 }],
      ]);
    }
  });

  test.each(diamonds)('where effects are read before their causes, in the system $name', async (diamond) => {
    const sizes = [1, 2, 7, 500];
    const { ticks } = await assertEqual(someTokens(diamond), [
      // The order does not depend on the storage; the largest system shows that.
      ...(diamond === diamonds.at(-1) ? everywhere() : onMemory()),
      ...sizes.map(
        (batchSize): Run => [`batches of ${batchSize}`, single, storages[0]!.create(), { batchSize }],
      ),
      ['batches of 3 in threads', multi, storages[1]!.create(), { batchSize: 3 }],
    ]);
    expect(
      ticks[0]?.applications.find(({ applicationName }) => applicationName === 'd')?.recorded,
    ).toBeGreaterThan(6);
  });

  test('when run again from the same start time, with other ids from another start time', async () => {
    const create = storages[0]!.create;
    await assertEqual(someBooks, [
      ['first', single, create()],
      ['second', single, create()],
    ]);
    const [one, other] = await Promise.all([
      logTicks(someBooks, single, create()),
      logTicks(someBooks, single, create(), { startTimeMs: 1 }),
    ]);
    const idsOf = ({ ticks }: typeof one) =>
      ticks.flatMap(({ logs }) => logs.flat().map(({ originatorId }) => originatorId));
    expect(new Set(idsOf(one)).intersection(new Set(idsOf(other)))).toEqual(new Set(['the book']));
  });
});
