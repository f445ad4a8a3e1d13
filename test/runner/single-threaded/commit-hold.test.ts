import { expect, test } from 'vitest';
import { CommitHold } from '../../../src/runner/single-threaded/commit-hold.ts';
import { until } from '../../support/until.ts';

test('lets commits proceed when it is released', async () => {
  const hold = new CommitHold();
  hold.hold();
  let isReleased = false;
  const released = hold.released().then(() => {
    isReleased = true;
  });
  hold.hold();
  expect([hold.isHeld, isReleased]).toEqual([true, false]);
  hold.release();
  await released;
  expect(hold.isHeld).toBe(false);
});

test('lets commits proceed after its time limit, each time that it is held', async () => {
  const hold = new CommitHold(20);
  for (let round = 0; round < 2; round += 1) {
    hold.hold();
    let isReleased = false;
    void hold.released().then(() => {
      isReleased = true;
    });
    await until('commits may proceed', () => isReleased);
  }
});
