import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  type ApplicationClass,
  MultiprocessRunner,
  MultiThreadedRunner,
  type RunnerOptions,
  SingleThreadedRunner,
  type StorageDescription,
  type System,
  type SystemRunner,
} from 'kahn';
import { describe, expect, onTestFinished, test } from 'vitest';
import { storages } from '../../support/storages.ts';
import { Goal, Goals, matches, Scores } from '../../support/systems/matches.ts';
import { byTier } from '../../support/tier.ts';
import { inTime } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';

type Start = <Apps extends ApplicationClass>(
  system: System<Apps>,
  options: RunnerOptions,
) => Promise<SystemRunner<Apps>>;

const runners: readonly { name: string; start: Start }[] = [
  { name: 'a single thread', start: (...args) => SingleThreadedRunner.start(...args) },
  { name: 'threads', start: (...args) => MultiThreadedRunner.start(...args) },
  { name: 'processes', start: (...args) => MultiprocessRunner.start(...args) },
];
const isQuick = (runner: string, storage: string) => runner === 'threads' && storage !== 'memory';

const subjects = runners.flatMap(({ name, start }) =>
  storages
    .filter((storage) => name !== 'processes' || storage.name !== 'memory')
    .filter((storage) => isQuick(name, storage.name) === byTier(true, false))
    .map((storage) => ({
      name: `${name} on ${storage.name}`,
      storage: storage.name,
      start,
      create: storage.create,
    })),
);

/** Shoots goals and waits until the scores are raised. */
async function shoot(runner: SystemRunner<typeof Goals | typeof Scores>): Promise<void> {
  const events = watchRunners();
  for (let goals = 1; goals <= 3; goals += 1) {
    const saved = await runner.get(Goals).save(Goal.shoot());
    await runner.settled(saved, { signal: inTime() });
    expect(await runner.get(Scores).goals()).toEqual([goals, goals]);
  }
  expect(events.filter(({ kind }) => kind === 'failed')).toEqual([]);
}

/** Starts a process that cheers until the returned function is called. */
async function spectator(storage: StorageDescription): Promise<() => Promise<void>> {
  const program = fileURLToPath(new URL('spectator.ts', import.meta.url));
  const child: ChildProcess = fork(program, [JSON.stringify(storage)]);
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'message');
  return async () => {
    const exit = once(child, 'exit');
    child.disconnect();
    expect(await exit).toEqual([0, null]);
  };
}

describe.each(subjects)('a policy of 200 ms on $name', ({ storage, start, create }) => {
  test('finishes although commands of its runner change its aggregates every 5 ms', async () => {
    await using runner = await start(matches, { storage: create() });
    await runner.get(Scores).begin();
    const end = new AbortController();
    const cheering = runner.get(Scores).cheer(end.signal);
    await shoot(runner);
    end.abort();
    await cheering;
  });

  test.skipIf(storage === 'memory')(
    'finishes although another process changes its aggregates every 5 ms',
    async () => {
      const description = create();
      await using runner = await start(matches, { storage: description });
      await runner.get(Scores).begin();
      const leave = await spectator(description);
      await shoot(runner);
      await leave();
    },
  );
});
