import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EffectWalk } from '../../../src/runner/waiting/effect-walk.ts';
import type { FollowerWatch } from '../../../src/runner/waiting/follower-watch.ts';
import { IdRanges } from '../../../src/runner/waiting/id-ranges.ts';

const { signal } = new AbortController();

/** A follower that finds the effects of each id `n` at `10 n` to `10 n + 9`, in portions, and notes what was waited for. */
function followerOf(ends: (ids: IdRanges) => Promise<void> = () => delay(1)) {
  const processed: number[] = [];
  const follower = {
    async processed(ids: IdRanges) {
      await ends(ids);
      for (let id = 1; id <= ids.last; id += 1) if (ids.has(id)) processed.push(id);
    },
    async *effectsOf(ids: IdRanges) {
      for (let id = 1; id <= ids.last; id += 1) if (ids.has(id)) yield IdRanges.of(10 * id, 10 * id + 9);
    },
  };
  return { processed, follower: follower as unknown as FollowerWatch };
}

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

test('a walk waits for every portion of the effects, and for their effects', async () => {
  const [first, second, third] = [followerOf(), followerOf(), followerOf()];
  const walk = new EffectWalk({
    followersOf: (follower) =>
      follower === first.follower ? [second.follower] : follower === second.follower ? [third.follower] : [],
    signalOf: () => signal,
    failed: (error) => {
      throw error;
    },
  });
  await walk.run([{ follower: first.follower, ids: IdRanges.of(1, 3), after: 0 }]);
  expect(first.processed).toEqual([1, 2, 3]);
  expect(second.processed.toSorted((a, b) => a - b)).toEqual(from(10, 39));
  expect(third.processed.toSorted((a, b) => a - b)).toEqual(from(100, 399));
});

test('a walk takes at most 64 steps at a time, and goes on after branches that may be left out', async () => {
  let running = 0;
  let most = 0;
  const branch = (id: number) => {
    const { follower } = followerOf(async () => {
      running += 1;
      most = Math.max(most, running);
      await delay(1);
      running -= 1;
      if (id % 10 === 0) throw new Error('left out');
    });
    return { follower, ids: IdRanges.of(id, id), after: 0 };
  };
  const leftOut: number[] = [];
  const walk = new EffectWalk({
    followersOf: () => [],
    signalOf: () => signal,
    failed: (_error, { ids }) => void leftOut.push(ids.last),
  });
  await walk.run(from(1, 300).map(branch));
  expect(most).toBe(64);
  expect(leftOut.toSorted((a, b) => a - b)).toEqual(from(1, 30).map((n) => 10 * n));
});
