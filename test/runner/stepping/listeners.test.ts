import { setImmediate as nextTurn } from 'node:timers/promises';
import { memory, type SteppingRunnerOptions, SteppingSingleThreadedRunner, type Tick } from 'kahn';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { FakeClock } from './clock/fake-clock.ts';
import { startTimeMs, steppers } from './tick-log.ts';

/** Collects the standard output until the test has finished. */
function watchOutput(): string[] {
  const lines: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
  onTestFinished(() => spy.mockRestore());
  return lines;
}

/** Collects uncaught exceptions of the process, which would otherwise fail the test. */
function catchUncaught(): unknown[] {
  const errors: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => errors.push(error));
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  });
  return errors;
}

async function threeTicks(options: SteppingRunnerOptions): Promise<Tick[]> {
  const clock = new FakeClock();
  await using runner = await SteppingSingleThreadedRunner.start(shop, { clock, paused: true, ...options });
  runner.callInFuture(() => runner.get(Orders).place('ada'));
  runner.callInFuture(() => clock.pass(25));
  return [await runner.step(), await runner.step(), await runner.step()];
}

describe.each(steppers)('the stepping $name runner', ({ start }) => {
  test('passes the result of step() to listeners', async () => {
    const clock = new FakeClock();
    await using runner = await start(shop, { storage: memory(), clock, paused: true, startTimeMs });
    const ticks: Tick[] = [];
    const unsubscribe = runner.subscribe((tick) => ticks.push(tick));
    clock.pass(7);
    runner.callInFuture(async () => {
      await runner.get(Orders).place('ada');
      clock.pass(20);
    });
    const returned = [await runner.step(), await runner.step()];
    unsubscribe();
    await runner.step();
    expect(ticks).toEqual(returned);
    expect(ticks[0]).toEqual({
      number: 1,
      simulatedTimeMs: startTimeMs + 1_000,
      realTimeMs: 27,
      durationMs: 20,
      intensity: expect.any(Number),
      actualSpeed: 0,
      applications: [
        { applicationName: 'orders', fetched: 0, recorded: 1 },
        { applicationName: 'reservations', fetched: 0, recorded: 0 },
        { applicationName: 'payments', fetched: 0, recorded: 0 },
      ],
    });
    expect(ticks[0]!.intensity).toBeGreaterThan(0);
    expect(ticks[1]).toMatchObject({ number: 2, realTimeMs: 27, durationMs: 0, intensity: 0 });
  });
});

test('a verbose runner prints one line per tick', async () => {
  const lines = watchOutput();
  const [first] = await threeTicks({ verbose: true, startTimeMs, normalSpeed: 2 });
  const intensity = `${(first!.intensity * 100).toFixed(0)} %`;
  expect(lines).toEqual([
    `tick 1  2026-01-01T00:00:00.500Z  0.03 s  25.0 ms  ${intensity}  0.0 Hz  orders 0>1\n`,
    'tick 2  2026-01-01T00:00:01.000Z  0.03 s  0.0 ms  0 %  0.0 Hz  reservations 1>1  payments 1>0\n',
    'tick 3  2026-01-01T00:00:01.500Z  0.03 s  0.0 ms  0 %  0.0 Hz  orders 1>1\n',
  ]);
});

test('a runner prints nothing by default', async () => {
  const lines = watchOutput();
  await threeTicks({});
  await threeTicks({ verbose: false });
  expect(lines).toEqual([]);
});

test('an error of a listener becomes an uncaught exception, and the ticks continue', async () => {
  const errors = catchUncaught();
  await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
  const problem = new Error('the listener failed');
  const heard: number[] = [];
  runner.subscribe(() => {
    throw problem;
  });
  runner.subscribe(({ number }) => heard.push(number));
  await runner.step();
  await runner.caughtUp();
  await nextTurn();
  expect(errors).toEqual([problem, problem]);
  expect(heard).toEqual([1, 2]);
});

test('a listener can schedule commands, pause and step', async () => {
  await using runner = await SteppingSingleThreadedRunner.start(shop, { scaleFactor: 0 });
  const stepped = Promise.withResolvers<Tick>();
  const calls: number[] = [];
  const unsubscribe = runner.subscribe(({ number }) => {
    runner.callInFuture(() => calls.push(runner.tickCount));
    if (number !== 3) return;
    unsubscribe();
    void runner.pause().then(async () => stepped.resolve(await runner.step()));
  });
  expect((await stepped.promise).number).toBe(4);
  expect(calls.slice(-1)).toEqual([4]);
});
