import { newId, type RunnerOptions, run, SteppingSingleThreadedRunner } from 'kahn';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { Reservations } from '../../examples/shop/reservations.ts';
import { shop } from '../../examples/shop/shop.ts';
import { storages } from '../support/storages.ts';

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

beforeEach(() => {
  vi.useFakeTimers({ now: -5_000.5, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('new ids are distinct and ordered while the clock is before 1970', () => {
  const ids = Array.from({ length: 100 }, () => newId());
  expect(ids.every((id) => uuid7.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(100);
  expect(ids).toEqual(ids.toSorted());
});

describe.each(storages)('on $name', ({ create }) => {
  test.each([
    ['a single thread', (options: RunnerOptions) => run(shop, options)],
    [
      'a stepping clock',
      (options: RunnerOptions) => SteppingSingleThreadedRunner.start(shop, { ...options, paused: true }),
    ],
  ])('a system with %s runs while the clock of the machine is before 1970', async (_, start) => {
    await using runner = await start({ storage: create() });
    const id = await runner.get(Orders).place('ada');
    await runner.caughtUp();
    expect((await runner.get(Orders).get(id)).done).toBe(true);
    const timestamps = [];
    for await (const { event } of runner.get(Orders).reader()) timestamps.push(event.timestamp);
    expect(timestamps).toHaveLength(3);
    const derived = await runner.get(Reservations).log.select(0, 10);
    expect(derived.map(({ originatorId }) => uuid7.test(originatorId))).toEqual([true]);
    for (const timestamp of timestamps) expect(timestamp).toBeLessThan(0);
  });
});
