import { MultiThreadedRunner, memory } from 'kahn';
import { test } from 'vitest';
import { assertSound } from '../../support/logs.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { dyingShop, moments } from './shop-in-threads.ts';
import { expectSurvival } from './survival.ts';

test('a thread that ends at any moment of a recording loses and doubles nothing, without a poll', async () => {
  storeFlagsIn(temporaryDirectory());
  const storage = memory();
  await using runner = await MultiThreadedRunner.start(dyingShop, { storage, pollIntervalMs: 2 ** 30 });
  await expectSurvival(runner, moments);
  await assertSound(storage);
});
