import { memory } from 'kahn';
import { expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { BoundedLock } from '../../../src/application/recording/bounded-lock.ts';
import { Click, Clicks } from '../../support/systems/clicks.ts';

test('a lock for which the signal is aborted while it is awaited is released at once', async () => {
  await using clicks = await Clicks.open({ storage: memory() });
  const store = applicationInternals.storeOf(clicks);
  const first = await BoundedLock.take(store);
  const closing = new AbortController();
  const second = BoundedLock.take(store, closing.signal);
  closing.abort();
  await first?.release();
  await expect(second).rejects.toBe(closing.signal.reason);
  const started = performance.now();
  await clicks.save(Click.make('a', 1));
  expect(performance.now() - started).toBeLessThan(2_000); // a lock is held for up to 3 s
});
