import { setImmediate as nextTurn } from 'node:timers/promises';
import { type SteppingRunnerOptions, SteppingSingleThreadedRunner, type Tick } from 'kahn';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../../examples/shop/orders.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import { Pacer } from '../../../../src/runner/stepping/clock/pacer.ts';
import { FakeClock, StoppedClock } from './fake-clock.ts';

describe('a pacer', () => {
  test('sleeps for the rest of the interval, and not at all at speed 0', () => {
    expect(new Pacer(50).sleepMs(0)).toBe(20);
    expect(new Pacer(0.5).sleepMs(0)).toBe(2_000);
    expect(new Pacer(0).sleepMs(0)).toBe(0);
    expect(new Pacer(50).sleepMs(5)).toBe(15);
    expect(new Pacer(50).sleepMs(25)).toBe(0);
  });

  test('takes the excess of ticks off its sleeps, later excess less', () => {
    const pacer = new Pacer(10); // after n ticks, the weight is 1 / (1 + n / 10)^2
    const first = 21 / 1.1 ** 2;
    const second = 12 / 1.2 ** 2;
    const third = -2 / 1.3 ** 2;
    pacer.note(121);
    expect(pacer.sleepMs(0)).toBeCloseTo(100 - first, 10);
    pacer.note(112);
    expect(pacer.sleepMs(0)).toBeCloseTo(100 - first - second, 10);
    pacer.note(98);
    expect(pacer.sleepMs(0)).toBeCloseTo(100 - first - second - third, 10);
    expect(pacer.sleepMs(30)).toBeCloseTo(70 - first - second - third, 10);
  });

  test('takes off an interval at most, and never adds to a sleep', () => {
    const pacer = new Pacer(10);
    pacer.note(100_000);
    expect(pacer.sleepMs(0)).toBe(0);
    pacer.note(0); // gives back 100 / 1.2^2
    expect(pacer.sleepMs(0)).toBeCloseTo(100 / 1.2 ** 2, 10);
    pacer.note(0); // would give back 100 / 1.3^2
    expect(pacer.sleepMs(0)).toBe(100);
    const unpaced = new Pacer(0);
    unpaced.note(1_000);
    expect(unpaced.sleepMs(0)).toBe(0);
  });

  test('measures its actual speed over the last 100 ticks', () => {
    const pacer = new Pacer(10);
    expect(pacer.actualHz).toBe(0);
    pacer.note(50);
    expect(pacer.actualHz).toBe(20);
    pacer.note(150);
    expect(pacer.actualHz).toBe(10);
    for (let i = 0; i < 99; i += 1) pacer.note(250);
    expect(pacer.actualHz).toBeCloseTo(100_000 / (150 + 99 * 250), 10);
    pacer.note(250);
    expect(pacer.actualHz).toBe(4);
  });
});

/** Runs `count` ticks of the clock whose commands take `workMs` each, then pauses. */
async function ticking(count: number, workMs: (tick: number) => number, options: SteppingRunnerOptions) {
  const clock = new FakeClock();
  const runner = await SteppingSingleThreadedRunner.start(shop, { clock, paused: true, ...options });
  onTestFinished(() => runner.close());
  const ticks: Tick[] = [];
  const done = Promise.withResolvers<void>();
  runner.subscribe((tick) => {
    ticks.push(tick);
    if (tick.number < count) return;
    void runner.pause().then(done.resolve);
  });
  const work = () => {
    clock.pass(workMs(runner.tickCount));
    runner.callInFuture(work);
  };
  runner.callInFuture(work);
  runner.resume();
  await done.promise;
  return { runner, clock, ticks, endsAt: ticks.map(({ realTimeMs }) => realTimeMs) };
}

describe('the clock of a stepping runner', () => {
  test.each([
    [{}, 1_000],
    [{ normalSpeed: 4 }, 250],
    [{ normalSpeed: 4, scaleFactor: 5 }, 50],
    [{ normalSpeed: 0.1, scaleFactor: 2 }, 5_000],
    [{ normalSpeed: 5, scaleFactor: 0 }, 0],
  ])('ticks at %o every %i ms', async (options, intervalMs) => {
    const { endsAt, runner } = await ticking(5, () => 0, options);
    expect(endsAt).toEqual([0, 1, 2, 3, 4].map((n) => n * intervalMs));
    expect(runner.actualClockSpeed).toBeCloseTo(intervalMs === 0 ? 0 : 1_000 / intervalMs, 10);
  });

  test('sleeps for the rest of the interval', async () => {
    const { clock, endsAt } = await ticking(4, (tick) => tick * 20, { normalSpeed: 10 });
    expect(clock.sleeps.slice(0, 3)).toEqual([80, 60, 40]);
    expect(endsAt).toEqual([20, 140, 260, 380]);
  });

  test('makes up for a tick that was too long, and measures its actual speed', async () => {
    const { clock, runner, ticks } = await ticking(5, (tick) => (tick === 1 ? 160 : 0), { normalSpeed: 10 });
    const adjustment = (100 + 60 - 100) / 1.1 ** 2;
    expect(clock.sleeps[0]).toBe(0);
    expect(clock.sleeps[1]).toBeCloseTo(100 - adjustment, 10);
    expect(clock.sleeps[2]).toBeCloseTo(100 - adjustment + adjustment / 1.2 ** 2, 10);
    const total = ticks[4]!.realTimeMs;
    expect(runner.actualClockSpeed).toBeCloseTo(4_000 / total, 10);
    expect(ticks[0]).toMatchObject({ durationMs: 160, actualSpeed: 0 });
    expect(ticks[1]!.actualSpeed).toBe(1_000 / 160);
  });

  test('counts simulated time by its normal speed, whatever the scale factor is', async () => {
    const startTimeMs = 1_000_000;
    for (const scaleFactor of [0, 1, 7]) {
      const { ticks, runner } = await ticking(3, () => 0, { normalSpeed: 3, scaleFactor, startTimeMs });
      expect(ticks.map(({ simulatedTimeMs }) => simulatedTimeMs)).toEqual([1_000_333, 1_000_667, 1_001_000]);
      expect(runner.simulatedTimeMs).toBe(1_001_000);
      await runner.close();
    }
  });

  test('starts at the time of the machine by default', async () => {
    const before = Date.now();
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    expect(runner.simulatedTimeMs).toBeGreaterThanOrEqual(before);
    expect(runner.simulatedTimeMs).toBeLessThanOrEqual(Date.now());
    expect(runner.tickCount).toBe(0);
    expect(runner.actualClockSpeed).toBe(0);
  });

  test('pauses and resumes in the middle of a sleep, without waiting', async () => {
    const clock = new StoppedClock();
    await using runner = await SteppingSingleThreadedRunner.start(shop, { clock });
    for (const round of [1, 2, 3]) {
      await vi.waitUntil(() => clock.sleepers === 1, { timeout: 60_000 });
      expect(runner.tickCount).toBe(round);
      await runner.pause();
      await runner.pause();
      expect(clock.sleepers).toBe(0);
      expect(runner.tickCount).toBe(round);
      runner.resume();
      runner.resume();
    }
    await vi.waitUntil(() => clock.sleepers === 1, { timeout: 60_000 });
    expect(runner.tickCount).toBe(4);
  });

  test('runs one loop only, however it is paused and resumed', async () => {
    const clock = new StoppedClock();
    await using runner = await SteppingSingleThreadedRunner.start(shop, { clock, paused: true });
    for (let i = 0; i < 5; i += 1) {
      runner.resume();
      void runner.pause();
      if (i % 2 === 0) await nextTurn();
    }
    await runner.pause();
    const { tickCount } = runner;
    runner.resume();
    await vi.waitUntil(() => clock.sleepers === 1, { timeout: 60_000 });
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(clock.sleepers).toBe(1);
    expect(runner.tickCount).toBe(tickCount + 1);
  });

  test('can be stepped while it runs', async () => {
    const clock = new StoppedClock();
    await using runner = await SteppingSingleThreadedRunner.start(shop, { clock });
    await vi.waitUntil(() => clock.sleepers === 1, { timeout: 60_000 });
    expect((await runner.step()).number).toBe(2);
    expect((await runner.stepUntil(({ number }) => number === 5)).number).toBe(5);
    expect(clock.sleepers).toBe(1);
  });

  test('can be closed in the middle of a sleep', async () => {
    const clock = new StoppedClock();
    const runner = await SteppingSingleThreadedRunner.start(shop, { clock });
    await vi.waitUntil(() => clock.sleepers === 1, { timeout: 60_000 });
    const waiting = runner.caughtUp().catch(({ code }) => code);
    await runner.close();
    expect(await waiting).toBe('RUNNER_CLOSED');
    expect(clock.sleepers).toBe(0);
  });

  test('simulates a day in seconds', async () => {
    const day = 86_400;
    await using runner = await SteppingSingleThreadedRunner.start(shop, {
      scaleFactor: 0,
      paused: true,
      startTimeMs: 0,
    });
    const hourly = async () => {
      if (runner.tickCount < day) runner.callInFuture(hourly, 3_600);
      await runner.get(Orders).place(`at ${runner.tickCount / 3_600}`);
    };
    runner.callInFuture(hourly, 3_600);
    runner.resume();
    const done = Promise.withResolvers<Tick>();
    runner.subscribe((tick) => tick.number === day && done.resolve(tick));
    const tick = await done.promise;
    await runner.pause();
    expect(tick.simulatedTimeMs).toBe(day * 1_000);
    expect(await runner.get(Orders).log.head()).toBe(3 * 23 + 1);
  });
});

describe('the stepping runner rejects wrong options', () => {
  test.each<[object, string]>([
    [
      { normalSpeed: 0 },
      "Expected option 'normalSpeed' of SteppingSingleThreadedRunner.start() to be a number of Hz >= 1e-9, got 0.",
    ],
    [{ normalSpeed: Number.POSITIVE_INFINITY }, 'to be a number of Hz >= 1e-9, got Infinity.'],
    [{ normalSpeed: '1' }, "to be a number of Hz >= 1e-9, got '1'."],
    [{ scaleFactor: -1 }, 'to be a finite number >= 0, got -1.'],
    [{ scaleFactor: Number.NaN }, 'to be a finite number >= 0, got NaN.'],
    [{ startTimeMs: 0.5 }, 'to be an integer >= 0, got 0.5.'],
    [{ startTimeMs: -1 }, 'to be an integer >= 0, got -1.'],
    [
      { clock: Date },
      "Expected option 'clock' of SteppingSingleThreadedRunner.start() to be an object with now() and sleep()",
    ],
    [{ clockSpeed: 5 }, "Unknown option 'clockSpeed' of SteppingSingleThreadedRunner.start()."],
  ])('%o', async (options, message) => {
    await expect(SteppingSingleThreadedRunner.start(shop, options)).rejects.toThrow(message);
    await (await SteppingSingleThreadedRunner.start(shop, { paused: true })).close();
  });
});
