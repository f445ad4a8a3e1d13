import { MultiprocessRunner } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { test } from 'vitest';
import { assertSound } from '../../support/logs.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { dyingShop, moments } from './shop-in-processes.ts';
import { expectSurvival } from './survival.ts';

test('a process killed at any moment of a recording loses and doubles nothing, without a poll', async () => {
  storeFlagsIn(temporaryDirectory());
  const storage = sqlite({ directory: temporaryDirectory() });
  await using runner = await MultiprocessRunner.start(dyingShop, { storage, pollIntervalMs: 2 ** 30 });
  await expectSurvival(runner, moments);
  await assertSound(storage);
});
