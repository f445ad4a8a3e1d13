import { memory } from 'kahn';
import { anySchedule, equivalent, survivesEveryCrash } from 'kahn/testing';
import { expect, test } from 'vitest';
import { countingShop, randomShop } from './scenarios/planted-bugs.ts';
import { placeOrders } from './scenarios/scenarios.ts';

const storages = { memory: () => memory() };

// Helpers of a test file that return a promise without awaiting it.
const helpers = {
  equivalent: () => equivalent(randomShop, placeOrders, { storages }),
  survivesEveryCrash: () => survivesEveryCrash(countingShop, placeOrders, { storages }),
  anySchedule: () => anySchedule(countingShop, placeOrders, { seed: 1 }),
};

test.each(Object.entries(helpers))(
  'the error of %s() names the helper that called it',
  async (name, call) => {
    const error: Error = await new Promise((resolve, reject) => {
      call().then(() => reject(new Error('nothing was found')), resolve);
    });
    const frames = error.stack?.split('\n').filter((line) => line.includes(import.meta.filename)) ?? [];
    expect(frames[0]).toContain(`at ${name} (`); // the name of the helper
    expect(error.stack?.split('\n').find((line) => /^ +at /.test(line))).toBe(frames[0]);
    expect(frames).toHaveLength(new Set(frames).size);
  },
);

test('errors of a user keep their class, message and frames, and frozen ones are left alone', async () => {
  const errors = [new TypeError('no customer'), Object.freeze(new RangeError('frozen')), 'text', undefined];
  for (const error of errors) {
    const stack = error instanceof Error ? error.stack : undefined;
    const failing = () => {
      throw error;
    };
    const thrown = await anySchedule(countingShop, failing, { runs: 1 }).then(
      () => 'nothing',
      (reason: unknown) => reason,
    );
    const { cause } = thrown as Error;
    expect(cause).toBe(error);
    if (cause instanceof Error) expect(cause.stack).toBe(stack);
  }
});
