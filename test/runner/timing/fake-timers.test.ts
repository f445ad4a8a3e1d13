import { types } from 'node:util';
import {
  MultiprocessRunner,
  MultiThreadedRunner,
  memory,
  type RunnerOptions,
  SingleThreadedRunner,
  SteppingSingleThreadedRunner,
  type StorageDescription,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { frozenCopy } from '../../../src/domain/frozen-copy.ts';
import { Transcoder } from '../../../src/storage/codec/transcoder.ts';
import { resolvesWithin } from '../../../src/util/timeout.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';

const time = Date.UTC(2026, 0, 1);

// Time stands still, and no timer fires, until the test advances the time.
beforeEach(() => {
  const toFake = [
    'setTimeout',
    'setInterval',
    'setImmediate',
    'queueMicrotask',
    'performance',
    'Date',
  ] as const;
  vi.useFakeTimers({ now: time, toFake: [...toFake] });
});
afterEach(() => {
  vi.useRealTimers();
});

const inFiles = (): StorageDescription => sqlite({ directory: temporaryDirectory(), synchronous: 'NORMAL' });
const onStorages = storages.map(
  ({ name, create }) =>
    [
      `a single thread on ${name}`,
      (options: RunnerOptions) => SingleThreadedRunner.start(shop, options),
      create,
    ] as const,
);

test.each([
  ...onStorages,
  ['threads', (options: RunnerOptions) => MultiThreadedRunner.start(shop, options), memory],
  ['processes', (options: RunnerOptions) => MultiprocessRunner.start(shop, options), inFiles],
  [
    'a clock',
    (options: RunnerOptions) => SteppingSingleThreadedRunner.start(shop, { ...options, normalSpeed: 100 }),
    memory,
  ],
] as const)('a runner with %s works while timers are replaced', async (_, start, create) => {
  const runner = await start({ storage: create() });
  const placed = await Promise.all(Array.from({ length: 20 }, () => runner.get(Orders).place('ada')));
  await runner.caughtUp();
  for (const id of placed) expect((await runner.get(Orders).get(id)).done).toBe(true);
  const { log } = runner.get(Orders);
  expect((await log.select(0, 1))[0]?.timestamp).toBe(time); // the time of the test
  await runner.close();
});

/** A replaced class of Dates with a prototype of its own. */
class ClockDate extends Date {
  constructor() {
    super(time);
    Object.defineProperty(this, 'constructor', { value: Date, enumerable: false });
  }
}

test.each([
  ['the class of vitest', () => {}],
  ['a subclass', () => vi.stubGlobal('Date', ClockDate)],
])('a Date that is made while the class is replaced by %s is plain data', (_, replace) => {
  replace();
  const at = new Date();
  expect(Reflect.ownKeys(at)).toEqual(['constructor']);
  const copy = frozenCopy({ at });
  expect(copy.at.getTime()).toBe(time);
  const transcoder = new Transcoder();
  for (const data of [{ at }, copy]) {
    const decoded = transcoder.decode(transcoder.encode(data)) as typeof data;
    expect(types.isDate(decoded.at)).toBe(true);
    expect(decoded.at.getTime()).toBe(time);
  }
  vi.unstubAllGlobals();
});

test('waits end in time while timers are replaced', async () => {
  expect(await resolvesWithin(new Promise(() => {}), 20)).toBe(false);
});
