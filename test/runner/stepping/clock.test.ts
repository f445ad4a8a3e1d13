import { setImmediate as nextTurn } from 'node:timers/promises';
import { type SteppingOptions, SteppingSingleThreadedRunner, type Tick } from 'kahn';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { Pace } from '../../../src/runner/stepping/pace.ts';
import { FakeClock, StoppedClock } from './fake-clock.ts';

describe('a pace', () => {
  test('has an interval of the speed, and none at speed 0', () => {
    expect(new Pace(50).intervalMs).toBe(20);
    expect(new Pace(0.5).intervalMs).toBe(2_000);
    expect(new Pace(0).intervalMs).toBe(0);
    expect(new Pace(50).sleepMs(5)).toBe(15);
    expect(new Pace(50).sleepMs(25)).toBe(0);
    expect(new Pace(0).sleepMs(0)).toBe(0);
  });

  test('takes off its sleep what ticks were too long, the later the less', () => {
    const pace = new Pace(10); // so after n ticks, the weight is 1 / (1 + n / 10)^2
    pace.note(121);
    expect(pace.adjustmentMs).toBeCloseTo(21 / 1.1 ** 2, 10);
    pace.note(112);
    expect(pace.adjustmentMs).toBeCloseTo(21 / 1.1 ** 2 + 12 / 1.2 ** 2, 10);
    pace.note(98);
    expect(pace.adjustmentMs).toBeCloseTo(21 / 1.1 ** 2 + 12 / 1.2 ** 2 - 2 / 1.3 ** 2, 10);
    expect(pace.sleepMs(30)).toBeCloseTo(70 - pace.adjustmentMs, 10);
  });

  test('never takes off more than an interval, nor less than nothing', () => {
    const pace = new Pace(10);
    pace.note(100_000);
    expect(pace.adjustmentMs).toBe(100);
    expect(pace.sleepMs(0)).toBe(0);
    pace.note(0); // takes back 100 / 1.2^2
    pace.note(0); // would take back 100 / 1.3^2
    expect(pace.adjustmentMs).toBe(0);
    const flatOut = new Pace(0);
    flatOut.note(1_000);
    expect(flatOut.adjustmentMs).toBe(0);
  });

  test('tells its actual speed by the last hundred ticks', () => {
    const pace = new Pace(10);
    expect(pace.actualHz).toBe(0);
    pace.note(50);
    expect(pace.actualHz).toBe(20);
    pace.note(150);
    expect(pace.actualHz).toBe(10);
    for (let i = 0; i < 99; i += 1) pace.note(250);
    expect(pace.actualHz).toBeCloseTo(100_000 / (150 + 99 * 250), 10);
    pace.note(250);
    expect(pace.actualHz).toBe(4);
  });
});

/** Ticks so often by itself, each tick's commands taking `workMs`, and then stands still. */
async function ticking(count: number, workMs: (tick: number) => number, options: SteppingOptions) {
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

  test('sleeps the shorter, the longer a tick has worked', async () => {
    const { clock, endsAt } = await ticking(4, (tick) => tick * 20, { normalSpeed: 10 });
    expect(clock.sleeps.slice(0, 3)).toEqual([80, 60, 40]);
    expect(endsAt).toEqual([20, 140, 260, 380]);
  });

  test('makes good for a tick that was too long, and tells its actual speed', async () => {
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

  test('counts simulated time by its normal speed, however fast it runs', async () => {
    const startTimeMs = 1_000_000;
    for (const scaleFactor of [0, 1, 7]) {
      const { ticks, runner } = await ticking(3, () => 0, { normalSpeed: 3, scaleFactor, startTimeMs });
      expect(ticks.map(({ simulatedTimeMs }) => simulatedTimeMs)).toEqual([1_000_333, 1_000_667, 1_001_000]);
      expect(runner.simulatedTimeMs).toBe(1_001_000);
      await runner.close();
    }
  });

  test('begins at the time of the machine, unless it is told', async () => {
    const before = Date.now();
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    expect(runner.simulatedTimeMs).toBeGreaterThanOrEqual(before);
    expect(runner.simulatedTimeMs).toBeLessThanOrEqual(Date.now());
    expect(runner.tickCount).toBe(0);
    expect(runner.actualClockSpeed).toBe(0);
  });

  test('is paused and resumed, in the middle of its sleep, without waiting', async () => {
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

  test('has one loop only, however it is paused and resumed', async () => {
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

  test('can be stepped by hand while it ticks', async () => {
    const clock = new StoppedClock();
    await using runner = await SteppingSingleThreadedRunner.start(shop, { clock });
    await vi.waitUntil(() => clock.sleepers === 1, { timeout: 60_000 });
    expect((await runner.step()).number).toBe(2);
    expect((await runner.stepUntil(({ number }) => number === 5)).number).toBe(5);
    expect(clock.sleepers).toBe(1);
  });

  test('is closed in the middle of its sleep', async () => {
    const clock = new StoppedClock();
    const runner = await SteppingSingleThreadedRunner.start(shop, { clock });
    await vi.waitUntil(() => clock.sleepers === 1, { timeout: 60_000 });
    const waiting = runner.caughtUp().catch(({ code }) => code);
    await runner.close();
    expect(await waiting).toBe('RUNNER_CLOSED');
    expect(clock.sleepers).toBe(0);
  });

  test('lets a simulated day go by in seconds', { timeout: 240_000 }, async () => {
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
    const start = performance.now();
    runner.resume();
    const done = Promise.withResolvers<Tick>();
    runner.subscribe((tick) => tick.number === day && done.resolve(tick));
    const tick = await done.promise;
    await runner.pause();
    const seconds = (performance.now() - start) / 1_000;
    expect(tick.simulatedTimeMs).toBe(day * 1_000);
    expect(await runner.get(Orders).log.head()).toBe(3 * 23 + 1);
    console.log(
      `A simulated day of ${day} ticks took ${seconds.toFixed(1)} s: ${(day / seconds).toFixed(0)} ticks/s`,
    );
  });
});

describe('wrong options are refused', () => {
  test.each<[object, string]>([
    [{ normalSpeed: 0 }, 'normalSpeed must be a number of Hz above 0, but is 0'],
    [
      { normalSpeed: Number.POSITIVE_INFINITY },
      'normalSpeed must be a number of Hz above 0, but is Infinity',
    ],
    [{ normalSpeed: '1' }, 'normalSpeed must be a number of Hz above 0, but is 1'],
    [{ scaleFactor: -1 }, 'scaleFactor must be a number from 0, but is -1'],
    [{ scaleFactor: Number.NaN }, 'scaleFactor must be a number from 0, but is NaN'],
    [{ startTimeMs: 0.5 }, 'startTimeMs must be whole milliseconds since 1970, but is 0.5'],
    [{ startTimeMs: -1 }, 'startTimeMs must be whole milliseconds since 1970, but is -1'],
    [{ clockSpeed: 5 }, "has no option 'clockSpeed', only persistence"],
  ])('%o', async (options, message) => {
    await expect(SteppingSingleThreadedRunner.start(shop, options)).rejects.toThrow(message);
    await (await SteppingSingleThreadedRunner.start(shop, { paused: true })).close();
  });
});
