import { expect, test } from 'vitest';
import { Mutex } from '../../src/util/mutex.ts';

test('runAtOnce returns no promise if the function returns none', () => {
  const mutex = new Mutex();
  expect(mutex.runAtOnce(() => 1)).toBe(1);
  expect(mutex.runAtOnce(() => 2)).toBe(2);
});

test('runAtOnce waits for calls that are running, in the order of the calls', async () => {
  const mutex = new Mutex();
  const gate = Promise.withResolvers<void>();
  const order: number[] = [];
  const first = mutex.runAtOnce(() => gate.promise.then(() => order.push(1)));
  const second = mutex.run(() => order.push(2));
  const third = mutex.runAtOnce(() => order.push(3));
  expect(third).toBeInstanceOf(Promise);
  gate.resolve();
  await Promise.all([first, second, third]);
  expect(order).toEqual([1, 2, 3]);
});

test.each([
  ['rejects', () => Promise.reject(new Error('late'))],
  [
    'throws',
    () => {
      throw new Error('at once');
    },
  ],
])('runAtOnce rejects and lets the next call proceed if the function %s', async (_, work) => {
  const mutex = new Mutex();
  await expect(mutex.runAtOnce<void>(work)).rejects.toThrow();
  expect(mutex.runAtOnce(() => 'next')).toBe('next');
});
