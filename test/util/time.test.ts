import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { idAt } from '../../src/util/ids.ts';
import { longestTimerMs, realClock, sleep } from '../../src/util/time.ts';

test.each([longestTimerMs, longestTimerMs + 1, 2 ** 32, 1e12, Number.POSITIVE_INFINITY])(
  'a sleep of %d ms does not end at once, and can be aborted',
  async (ms) => {
    const stop = new AbortController();
    let ended = 0;
    const sleeping = [sleep(ms, stop.signal), realClock.sleep(ms, stop.signal)].map((one) =>
      one.finally(() => {
        ended += 1;
      }),
    );
    const rejected = expect(Promise.all(sleeping)).rejects.toThrow('aborted');
    await delay(50);
    expect(ended).toBe(0);
    stop.abort();
    await rejected;
  },
);

test.each([-1, -1e12, 0.5, 2 ** 48, 8.64e15, Number.MAX_SAFE_INTEGER])(
  'the id at time %d is a UUIDv7',
  (time) => {
    expect(idAt(time, 'key')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  },
);

test('ids are ordered by time', () => {
  const ids = [-5, 0.5, 1, 2 ** 47, 2 ** 48].map((time) => idAt(time, 'key'));
  expect(ids).toEqual(ids.toSorted());
});
