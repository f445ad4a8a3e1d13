import { getEventListeners } from 'node:events';
import {
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  SteppingSingleThreadedRunner,
  type SystemRunner,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/storages.ts';
import { Ping, Pong, rallies } from '../../support/systems/rallies.ts';
import { watchListeners } from '../../support/watchers/listeners.ts';

type Started = SystemRunner<(typeof rallies.applications)[number]>;

const runners: readonly (readonly [name: string, start: (system: typeof rallies) => Promise<Started>])[] = [
  ['single-threaded', (system) => SingleThreadedRunner.start(system)],
  ['multi-threaded', (system) => MultiThreadedRunner.start(system)],
  ['multiprocess', (system) => MultiprocessRunner.start(system)],
  ['stepping', (system) => SteppingSingleThreadedRunner.start(system, { normalSpeed: 1_000 })],
];

test.each(runners)(
  'thousands of waits of a %s runner leave no listener and no timer behind',
  async (_name, start) => {
    const storage = sqlite({ directory: temporaryDirectory(), synchronous: 'NORMAL' });
    await using runner = await start(rallies.bind(storage));
    const { signal } = new AbortController();
    const waitAndSave = async () => {
      const saved = await runner.get(Ping).serve(1);
      await Promise.all([
        runner.caughtUp({ signal }),
        ...Array.from({ length: 50 }, () => runner.settled(saved, { signal })),
        ...Array.from({ length: 50 }, () => runner.processed(saved, { by: Pong, signal })),
        runner.settled(saved),
        runner.caughtUp(),
      ]);
    };
    await waitAndSave();
    const assertNoneLeft = watchListeners();
    for (let round = 0; round < 10; round += 1) await waitAndSave();
    assertNoneLeft();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  },
);
