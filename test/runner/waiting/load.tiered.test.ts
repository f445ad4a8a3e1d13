import {
  type ApplicationClass,
  memory,
  type RunnerOptions,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
  type StorageDescription,
  type System,
  type SystemRunner,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { supervisedSubjects } from '../../support/supervised-runners.ts';
import { hitsOf, Ping, Pong, rallies, Umpire } from '../../support/systems/rallies.ts';
import { inTime, patient } from '../../support/until.ts';

interface Subject {
  readonly name: string;
  start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: RunnerOptions,
  ): Promise<SystemRunner<Apps>>;
  create(): StorageDescription;
}

const subjects: readonly Subject[] = [
  ...supervisedSubjects,
  { name: 'a single thread', start: SingleThreadedRunner.start, create: () => memory() },
  {
    name: 'ticks',
    start: (system, options) => SteppingSingleThreadedRunner.start(system, { ...options, scaleFactor: 0 }),
    create: () => memory(),
  },
  {
    name: 'ticks on threads',
    start: (system, options) => SteppingMultiThreadedRunner.start(system, { ...options, scaleFactor: 0 }),
    create: () => memory(),
  },
];

const endless = 2 ** 40;

/** Saves one rally after the other, until the result is disposed of. */
function loadOf(ping: Ping): AsyncDisposable {
  let isOver = false;
  const saving = (async () => {
    while (!isOver) {
      await ping.serve(3);
      await new Promise(setImmediate);
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      await saving;
    },
  };
}

describe.each(subjects)('in $name', ({ start, create }) => {
  test('a save is settled while rallies without end go on, with exactly its own effects', async () => {
    await using runner = await start(rallies, { storage: create(), drainTimeoutMs: 500 });
    const players = [runner.get(Ping), runner.get(Pong)];
    const options = { signal: inTime() };
    for (let i = 0; i < 3; i += 1)
      void runner
        .get(Ping)
        .serve(endless)
        .catch(() => {}); // no save of an endless rally resolves on a single thread
    for (const [left, times, hits] of [
      [0, 1, 1],
      [7, 1, 8],
      [4, 3, 121],
    ] as const) {
      const saved = await runner.get(Pong).serve(left, times);
      await runner.settled(saved, options);
      expect(await hitsOf(players, saved.correlationId)).toBe(hits);
      await runner.processed(saved, { by: Umpire, ...options });
    }
    const head = await players[0]!.log.head();
    await expect.poll(() => players[0]!.log.head(), patient).toBeGreaterThan(head); // the others are under way
  });

  test('caughtUp() resolves while others save, with the effects of everything before', async () => {
    await using runner = await start(rallies, { storage: create(), drainTimeoutMs: 500 });
    const players = [runner.get(Ping), runner.get(Pong)];
    await using _load = loadOf(runner.get(Ping));
    for (let round = 0; round < 4; round += 1) {
      const saved = await players[1]!.serve(5, 2);
      await runner.caughtUp({ signal: inTime() });
      expect(await hitsOf(players, saved.correlationId)).toBe(63);
    }
  });

  test('many saves are settled at the same time', async () => {
    await using runner = await start(rallies, { storage: create() });
    const players = [runner.get(Ping), runner.get(Pong)];
    const rally = async (left: number) => {
      const saved = await players[left % 2]!.serve(left);
      await runner.settled(saved, { signal: inTime() });
      return saved;
    };
    const all = await Promise.all(Array.from({ length: 60 }, (_, i) => rally(i % 9)));
    for (const [i, { correlationId }] of all.entries())
      expect(await hitsOf(players, correlationId)).toBe((i % 9) + 1);
  });
});
