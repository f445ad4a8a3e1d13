import fc from 'fast-check';
import { memory, type StorageDescription } from 'kahn';
import { describe, expect, test } from 'vitest';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { propertyRuns } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import { Click, Clicks, Counters } from '../../support/systems/clicks.ts';

/** Action of a concurrent writer while the policy handles a notification. */
type Interference = 'nothing' | 'touch' | 'run';

interface Scenario {
  readonly keys: readonly string[];
  readonly batchSizes: readonly [number, number];
  readonly interferences: readonly Interference[];
  readonly cacheSize: number;
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  keys: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 40 }),
  batchSizes: fc.tuple(fc.integer({ min: 1, max: 15 }), fc.integer({ min: 1, max: 15 })),
  interferences: fc.array(fc.constantFrom<Interference>('nothing', 'nothing', 'nothing', 'touch', 'run'), {
    maxLength: 60,
  }),
  cacheSize: fc.constantFrom(0, 10, 1_000),
});

/** A concurrent writer of the same application, outside of any policy. */
function rivalOf(counters: Counters) {
  const wanted: { readonly what: Interference; readonly key: string; done(): void }[] = [];
  let wake = Promise.withResolvers<void>();
  const working = (async () => {
    for (;;) {
      const next = wanted.shift();
      if (next === undefined) {
        await wake.promise;
        wake = Promise.withResolvers<void>();
      } else if (next.key === 'stop') return;
      else {
        if (next.what === 'touch') await counters.touch(next.key);
        if (next.what === 'run') await counters.run();
        next.done();
      }
    }
  })();
  const ask = (what: Interference, key: string) =>
    new Promise<void>((done) => {
      wanted.push({ what, key, done });
      wake.resolve();
    });
  return { ask, working };
}

async function play(
  storage: StorageDescription,
  { keys, batchSizes, interferences, cacheSize }: Scenario,
): Promise<void> {
  await using clicks = await Clicks.open({ storage });
  await using counters = await Counters.open({ storage, cacheSize });
  await using rivals = await Counters.open({ storage, cacheSize });
  counters.follow(clicks.log, batchSizes[0]);
  rivals.follow(clicks.log, batchSizes[1]);
  await clicks.save(...keys.map((key, number) => Click.make(key, number)));
  const rival = rivalOf(rivals);
  const left = [...interferences];
  counters.meanwhile = async (number) => rival.ask(left.shift() ?? 'nothing', keys[number] ?? '');
  let processed = -1;
  while (processed !== 0) processed = await counters.run();
  void rival.ask('nothing', 'stop');
  await rival.working;
  await assertExactlyOnce(counters, keys);
}

/** Clicks with an undefined key are ignored. */
async function assertExactlyOnce(counters: Counters, keys: readonly (string | undefined)[]): Promise<void> {
  const counted = keys.filter((key) => key !== undefined);
  const numbersOf = (key: string) => keys.flatMap((other, number) => (other === key ? [number] : []));
  expect(await counters.counted()).toEqual(new Map(counted.map((key) => [key, numbersOf(key)])));
  const derived: string[] = [];
  let last = 0;
  for await (const { id, event } of counters.reader()) {
    expect(id).toBe(last + 1);
    last = id;
    if (event.type === 'Counter.Counted') derived.push(event.data.derivedId);
  }
  expect(await counters.log.head()).toBe(last);
  expect(new Set(derived).size).toBe(counted.length);
}

describe.each(storages)('any batch size, any conflict on $name', ({ name, create }) => {
  test('every notification is counted once, in order, and the log has no gap', async () => {
    const property = fc.asyncProperty(scenarios, (scenario) => play(create(), scenario));
    await fc.assert(property, name === 'memory' ? propertyRuns(50, 300) : propertyRuns(10, 40));
  });
});

interface SlowScenario {
  readonly clicks: readonly { readonly key: string | undefined; readonly ms: number }[];
  readonly batchSize: number;
}

const slowScenarios: fc.Arbitrary<SlowScenario> = fc.record({
  clicks: fc.array(
    fc.record({
      key: fc.constantFrom('a', 'b', undefined),
      ms: fc.constantFrom(0, 0, 0, 0, 0, 0, 11, 21), // after 20 ms a batch ends
    }),
    { minLength: 1, maxLength: 30 },
  ),
  batchSize: fc.integer({ min: 1, max: 40 }),
});

async function playSlowly({ clicks: planned, batchSize }: SlowScenario): Promise<void> {
  const storage = memory();
  await using clicks = await Clicks.open({ storage });
  await using counters = await Counters.open({ storage });
  counters.follow(clicks.log, batchSize);
  const made = planned.map(({ key }, number) =>
    key === undefined ? Click.ignored() : Click.make(key, number),
  );
  await clicks.save(...made);
  const calls: number[] = [];
  counters.meanwhile = (number) => {
    calls.push(number);
    const until = performance.now() + (planned[number]?.ms ?? 0);
    while (performance.now() < until);
  };
  expect(await counters.run()).toBe(planned.length);
  const keys = planned.map(({ key }) => key);
  await assertExactlyOnce(counters, keys);
  expect(calls).toEqual([...keys.keys()].filter((number) => keys[number] !== undefined));
  await processApplicationInternals.recordPositions(counters);
  await using again = await Counters.open({ storage });
  again.follow(clicks.log);
  expect(await again.run()).toBe(0); // the position is behind the last one
}

test('wherever a slow policy ends a batch, every notification is counted once, in order', async () => {
  await fc.assert(fc.asyncProperty(slowScenarios, playSlowly), propertyRuns(10, 40));
});

test('a follower survives any number of conflicts as long as it makes progress', async () => {
  const [{ create }] = storages as [(typeof storages)[number]];
  const storage = create();
  await using clicks = await Clicks.open({ storage });
  await using counters = await Counters.open({ storage });
  await using rivals = await Counters.open({ storage });
  counters.follow(clicks.log);
  await clicks.save(...Array.from({ length: 30 }, (_, i) => Click.make('a', i)));
  const rival = rivalOf(rivals);
  const disturbed = new Set<number>();
  counters.meanwhile = async (number) => {
    const done = (await counters.counted()).get('a')?.length ?? 0;
    // The next notification is disturbed once, all after it always.
    if (number > done || !disturbed.has(number)) await rival.ask('touch', 'a');
    if (number === done) disturbed.add(number);
  };
  expect(await counters.run()).toBe(30);
  void rival.ask('nothing', 'stop');
  await rival.working;
  expect((await counters.counted()).get('a')).toHaveLength(30);
  expect(disturbed.size).toBe(30);
});

test('ignored notifications that are read again after a conflict do not count as the end of the log', async () => {
  const [{ create }] = storages as [(typeof storages)[number]];
  const storage = create();
  await using clicks = await Clicks.open({ storage });
  await using counters = await Counters.open({ storage });
  await using rivals = await Counters.open({ storage });
  counters.follow(clicks.log, 5);
  const ignored = (count: number) => Array.from({ length: count }, () => Click.ignored());
  await clicks.save(...ignored(5), Click.make('a', 1), ...ignored(4), Click.make('a', 2));
  const rival = rivalOf(rivals);
  let disturbances = 1;
  counters.meanwhile = async () => {
    if (disturbances-- > 0) await rival.ask('touch', 'a');
  };
  await counters.run();
  void rival.ask('nothing', 'stop');
  await rival.working;
  expect(await counters.counted()).toEqual(new Map([['a', [1, 2]]]));
});

test('a redone batch, a retry and another batch size derive the same ids', async () => {
  const [{ create }] = storages as [(typeof storages)[number]];
  await using clicks = await Clicks.open({ storage: create() });
  await clicks.save(...[1, 2, 3, 4].map((number) => Click.make('a', number)));
  const derivedIds = async (batchSize: number, interferences: Interference[]) => {
    const storage = create();
    await using counters = await Counters.open({ storage });
    await using rivals = await Counters.open({ storage });
    counters.follow(clicks.log, batchSize);
    const rival = rivalOf(rivals);
    let calls = 0;
    counters.meanwhile = async () => {
      calls += 1;
      await rival.ask(interferences.shift() ?? 'nothing', 'a');
    };
    await counters.run();
    void rival.ask('nothing', 'stop');
    await rival.working;
    const ids: string[] = [];
    for await (const { event } of counters.reader()) {
      if (event.type === 'Counter.Counted') ids.push(event.data.derivedId);
    }
    return { ids, calls };
  };
  const undisturbed = await derivedIds(1, []);
  const disturbed = await derivedIds(4, ['nothing', 'touch', 'nothing', 'nothing', 'touch']);
  expect(undisturbed.calls).toBe(4);
  expect(disturbed.calls).toBeGreaterThan(5);
  expect(disturbed.ids).toEqual(undisturbed.ids);
  expect(new Set(undisturbed.ids).size).toBe(4);
});
