import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  CommandError,
  InvalidArgumentError,
  memory,
  type SteppingRunner,
  SteppingSingleThreadedRunner,
} from 'kahn';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { CommandSchedule } from '../../../src/runner/stepping/clock/command-schedule.ts';
import { rejectionOf } from '../../support/errors.ts';

async function paused(): Promise<SteppingRunner<(typeof shop.applications)[number]>> {
  const runner = await SteppingSingleThreadedRunner.start(shop.bind(memory()), { paused: true });
  onTestFinished(() => runner.close());
  return runner;
}

describe('callInFuture()', () => {
  test('calls commands at the end of their ticks, in the order in which they were scheduled', async () => {
    const runner = await paused();
    const calls: string[] = [];
    const note = (name: string) => () => void calls.push(`${name} at ${runner.tickCount}`);
    for (const [i, ticks] of [2, 1, 2, 3, 1].entries()) runner.callInFuture(note(`${i}`), ticks);
    runner.callInFuture(note('by default'));
    await runner.stepUntil(({ number }) => number === 3);
    expect(calls).toEqual(['1 at 1', '4 at 1', 'by default at 1', '0 at 2', '2 at 2', '3 at 3']);
  });

  test('awaits each command before it calls the next, and before the tick ends', async () => {
    const runner = await paused();
    const calls: string[] = [];
    runner.callInFuture(async () => {
      await nextTurn();
      calls.push('slow');
    });
    runner.callInFuture(() => calls.push('quick'));
    await runner.step();
    expect(calls).toEqual(['slow', 'quick']);
  });

  test('counts ticks from the current one when a command calls it', async () => {
    const runner = await paused();
    const ticks: number[] = [];
    const again = () => {
      ticks.push(runner.tickCount);
      runner.callInFuture(again, 3);
    };
    runner.callInFuture(again);
    await runner.stepUntil(({ number }) => number === 10);
    expect(ticks).toEqual([1, 4, 7, 10]);
  });

  test.each<[unknown, unknown, string]>([
    [() => {}, 0, 'Expected the ticks of callInFuture() to be an integer >= 1, got 0'],
    [() => {}, -1, 'Expected the ticks of callInFuture() to be an integer >= 1, got -1'],
    [() => {}, 1.5, 'Expected the ticks of callInFuture() to be an integer >= 1, got 1.5'],
    [() => {}, Number.NaN, 'Expected the ticks of callInFuture() to be an integer >= 1, got NaN'],
    [() => {}, '1', 'Expected the ticks of callInFuture() to be an integer >= 1, got 1'],
    ['place', 1, 'Expected the command of callInFuture() to be a function, got a string'],
    [undefined, 1, 'Expected the command of callInFuture() to be a function, got undefined'],
  ])('rejects %s in %s ticks', async (command, ticks, message) => {
    const runner = await paused();
    const call = () => runner.callInFuture(command as () => void, ticks as number);
    expect(call).toThrow(InvalidArgumentError);
    expect(call).toThrow(message);
  });

  test('releases a command after the call', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const runner = await paused();
    const schedule = () => {
      const command = () => runner.tickCount;
      runner.callInFuture(command);
      return new WeakRef(command);
    };
    const ref = schedule();
    await runner.step();
    await vi.waitFor(
      async () => {
        await nextTurn();
        collect();
        expect(ref.deref()).toBeUndefined();
      },
      { timeout: 60_000 },
    );
  });
});

describe('a command schedule', () => {
  test('returns each command once', () => {
    const schedule = new CommandSchedule();
    const commands = [() => 1, () => 2, () => 3];
    for (const command of commands) schedule.add(command, 4, 2);
    schedule.add(() => 4, 4, 3);
    expect(schedule.take(5)).toEqual([]);
    expect(schedule.take(6)).toEqual(commands);
    expect(schedule.take(6)).toEqual([]);
    expect(schedule.take(7)).toHaveLength(1);
    expect(schedule.take(7)).toEqual([]);
  });
});

describe('a command that fails', () => {
  const problem = new RangeError('no such till');

  test.each([
    [
      'throws',
      () => {
        throw problem;
      },
    ],
    ['rejects', () => Promise.reject(problem)],
  ] as const)('because it %s stops the runner, and rejects all waits', async (_, command) => {
    const runner = await paused();
    const calls: string[] = [];
    runner.callInFuture(() => runner.get(Orders).place('ada'), 2);
    runner.callInFuture(command, 2);
    runner.callInFuture(() => calls.push('after the failure'), 2);
    const waiting = [
      runner.stepUntil(({ number }) => number === 100),
      runner.stepUntil(({ number }) => number === 200),
    ].map((promise) => rejectionOf(promise, CommandError));
    const [error, same] = await Promise.all(waiting);
    expect(error).toMatchObject({ code: 'COMMAND_FAILED', tick: 2, cause: problem });
    expect(error?.message).toContain('The runner stopped because a command failed at tick 2: ');
    expect(error?.message).toContain('no such till');
    expect(same).toBe(error);
    expect(calls).toEqual([]);
    for (const late of [runner.step(), runner.caughtUp(), runner.pause()]) {
      expect(await rejectionOf(late, CommandError)).toBe(error);
    }
    expect(() => runner.resume()).toThrow(error);
    expect(() => runner.callInFuture(() => {})).toThrow(error);
    expect(await runner.get(Orders).log.head()).toBe(1);
    expect((await runner.status()).map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped']);
  });

  test('rejects caughtUp() while the clock runs', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { scaleFactor: 0, paused: true });
    await runner.get(Orders).place('ada');
    runner.callInFuture(() => Promise.reject(problem), 2); // the order takes five ticks
    runner.resume();
    expect(await rejectionOf(runner.caughtUp(), CommandError)).toMatchObject({ cause: problem });
  });
});

describe('a command that calls its runner', () => {
  test('can pause, resume and close it without waiting for itself', async () => {
    const runner = await SteppingSingleThreadedRunner.start(shop, { scaleFactor: 0 });
    const pausedAt = Promise.withResolvers<number>();
    runner.callInFuture(async () => {
      await runner.pause();
      pausedAt.resolve(runner.tickCount);
    }, 3);
    const number = await pausedAt.promise;
    await runner.pause();
    expect(runner.tickCount).toBe(number);
    runner.callInFuture(() => runner.resume());
    await runner.step();
    const closed = Promise.withResolvers<void>();
    runner.callInFuture(async () => {
      await runner.close();
      closed.resolve();
    }, 2);
    await closed.promise;
    await runner.close();
    expect(() => runner.get(Orders)).toThrow('This runner is closed');
  });

  test('cannot wait for the end of the current tick', async () => {
    const runner = await paused();
    const errors: unknown[] = [];
    runner.callInFuture(async () => {
      for (const wait of [() => runner.step(), () => runner.caughtUp(), () => runner.stepUntil(() => true)]) {
        await wait().catch((error) => errors.push(error));
      }
    });
    await runner.step();
    expect(errors).toMatchObject(Array.from({ length: 3 }, () => ({ code: 'WAIT_IN_TICK' })));
    // Code that a command has started can wait once the tick of the command has ended.
    const later = Promise.withResolvers<number>();
    runner.callInFuture(() => void delay(5).then(async () => later.resolve((await runner.step()).number)));
    await runner.step();
    expect(await later.promise).toBe(3);
  });
});
