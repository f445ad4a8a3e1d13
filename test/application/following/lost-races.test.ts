import { memory } from 'kahn';
import type { Recorder, WriteLock } from 'kahn/storage';
import { expect, onTestFinished, test, vi } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { inRootContext } from '../../../src/util/environment/root-context.ts';
import { Click, Clicks, Counters } from '../../support/systems/clicks.ts';

/** A follower whose policy has lost ten races to another writer, and the calls of its write lock. */
async function overtaken() {
  const storage = memory();
  const clicks = await Clicks.open({ storage });
  const counters = await Counters.open({ storage });
  const elsewhere = await Counters.open({ storage });
  for (const one of [clicks, counters, elsewhere]) onTestFinished(() => one.close());
  counters.follow(clicks.log);
  await clicks.save(Click.make('a', 1));
  const { recorder } = applicationInternals.storeOf(counters) as { recorder: Required<Recorder> };
  const lock = vi.spyOn(recorder, 'lock').mockResolvedValue(undefined as unknown as WriteLock);
  let runs = 0;
  counters.meanwhile = async () => {
    runs += 1;
    await inRootContext(() => elsewhere.touch('a'));
  };
  await expect(counters.run()).rejects.toMatchObject({ code: 'RACES_LOST' });
  expect(runs).toBe(10);
  return { clicks, counters, elsewhere, recorder, lock, runs: () => runs };
}

test('a run after lost races reports the next ten', async () => {
  const { counters, runs } = await overtaken();
  await expect(counters.run()).rejects.toMatchObject({ code: 'RACES_LOST' });
  expect(runs()).toBe(20);
});

test('after a batch under the write lock, the next one takes the lock after a single lost race', async () => {
  const { clicks, counters, elsewhere, recorder, lock } = await overtaken();
  lock.mockRestore();
  counters.meanwhile = () => {};
  await counters.run({ batches: 1 });
  const taken = vi.spyOn(recorder, 'lock');
  let runs = 0;
  counters.meanwhile = async () => {
    runs += 1;
    if (runs === 1) await inRootContext(() => elsewhere.touch('a'));
  };
  await clicks.save(Click.make('a', 2));
  await counters.run();
  expect(runs).toBe(2);
  expect(taken).toHaveBeenCalledOnce();
});
