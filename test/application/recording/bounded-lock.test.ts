import { memory } from 'kahn';
import { expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { BoundedLock } from '../../../src/application/recording/bounded-lock.ts';
import type { Recorder, WriteLock } from '../../../src/storage/recorder.ts';
import { Click, Clicks } from '../../support/systems/clicks.ts';

test('a lock for which the signal is aborted while it is awaited is released before the call rejects', async () => {
  await using clicks = await Clicks.open({ storage: memory() });
  const { applicationName, recorder } = applicationInternals.storeOf(clicks);
  let releases = 0;
  const watched = {
    async lock(): Promise<WriteLock> {
      const lock = (await recorder.lock?.()) as WriteLock;
      const release = lock.release.bind(lock);
      lock.release = async (reason) => {
        await release(reason);
        releases += 1;
      };
      return lock;
    },
  } as Recorder;
  const first = await BoundedLock.take({ applicationName, recorder });
  const closing = new AbortController();
  const second = BoundedLock.take({ applicationName, recorder: watched }, closing.signal);
  closing.abort();
  await first?.release();
  await expect(second).rejects.toBe(closing.signal.reason);
  expect(releases).toBe(1);
  await clicks.save(Click.make('a', 1));
});
