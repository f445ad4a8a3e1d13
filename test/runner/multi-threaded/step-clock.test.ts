import { MultiThreadedRunner, memory } from 'kahn';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payment } from '../../../examples/shop/payment.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { SharedBoard } from '../../../src/runner/multi-threaded/shared-board.ts';
import { runClock } from '../../../src/runner/multi-threaded/step-clock.ts';
import { patient, until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';

const timers = vi.hoisted(() => ({ now: 0, delay: undefined as ((ms: number) => void) | undefined }));

// Timers of the clock resolve at once; the test decides how much time has passed.
vi.mock('node:timers/promises', async (original) => {
  const real = await original<typeof import('node:timers/promises')>();
  const setTimeout: typeof real.setTimeout = async (ms = 0, value, options) => {
    if (timers.delay === undefined) return real.setTimeout(ms, value, options);
    timers.delay(ms);
    return value as never;
  };
  return { ...real, setTimeout };
});

const never = 2 ** 30;

describe('a clock whose timers are late', () => {
  beforeEach(() => {
    timers.now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => timers.now);
    onTestFinished(() => {
      timers.delay = undefined;
      vi.restoreAllMocks();
    });
  });

  /** Runs a clock whose timers are late by `latenessMs`; returns the times of its ticks and overruns. */
  async function ticking(speed: number, count: number, latenessMs: (tick: number) => number) {
    const stop = new AbortController();
    const ticks: number[] = [];
    const overruns: unknown[] = [];
    timers.delay = (ms) => {
      expect(ms).toBeGreaterThan(0);
      timers.now += ms + latenessMs(ticks.length + 1);
    };
    const tick = () => {
      ticks.push(timers.now);
      if (ticks.length === count) stop.abort();
    };
    const overrun = (...all: unknown[]) => void overruns.push(all);
    await runClock({ speed, tick, overrun }, stop.signal);
    return { ticks, overruns };
  }

  test('keeps its speed on average', async () => {
    const { ticks, overruns } = await ticking(50, 200, () => 4);
    expect(ticks.at(-1)! / 20).toBeGreaterThan(200);
    expect(ticks.at(-1)! / 20).toBeLessThan(201);
    expect(overruns).toEqual([]);
  });

  test('keeps its speed when only some timers are late', async () => {
    const { ticks } = await ticking(50, 300, (tick) => (tick % 3 === 0 ? 9 : 0));
    expect(Math.abs(ticks.at(-1)! / 20 - 300)).toBeLessThan(2);
  });

  test('never ticks more than twice as fast', async () => {
    const { ticks } = await ticking(50, 40, (tick) => (tick === 10 ? 1_000 : 0));
    const gaps = ticks.map((at, i) => at - (ticks[i - 1] ?? 0));
    expect(Math.min(...gaps)).toBe(10);
    expect(gaps.at(-1)).toBeLessThanOrEqual(20);
  });

  test('reports only ticks that took more than four intervals', async () => {
    const lateness: Record<number, number> = { 5: 60, 12: 100 };
    const { overruns } = await ticking(50, 20, (tick) => lateness[tick] ?? 0);
    expect(overruns).toEqual([[12, expect.closeTo(120, 0), 20]]);
  });
});

describe('a runner with a clock', () => {
  test('processes one batch of each upstream per tick', async () => {
    const storage = memory();
    const each = 8;
    {
      await using orders = await shop.open(Orders, { storage });
      await using reservations = await shop.open(Reservations, { storage });
      await using payments = await shop.open(Payments, { storage });
      for (let i = 0; i < each; i += 1) {
        const order = Order.place(`${i}`);
        await orders.save(order);
        await reservations.save(Reservation.for(order.id, `reservation ${i}`));
        await payments.save(Payment.for(order.id, `payment ${i}`));
      }
    }
    let ticks = 0;
    const tick = SharedBoard.prototype.tick;
    vi.spyOn(SharedBoard.prototype, 'tick').mockImplementation(function (this: SharedBoard) {
      ticks += 1;
      tick.call(this);
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const ticksOf: Record<string, number[]> = { reservations: [], payments: [] };
    watchRunners((event) => {
      if (event.kind !== 'processed' || event.applicationName !== 'orders') return;
      expect(event.count).toBe(1);
      ticksOf[event.upstreamName]?.push(ticks);
    });
    const options = { storage, pollIntervalMs: never, batchSize: 1, clockSpeed: 10 };
    await using _runner = await MultiThreadedRunner.start(shop, options);
    await vi.waitUntil(() => ticksOf.payments!.length >= each, patient);
    const { reservations = [], payments = [] } = ticksOf;
    // A late event may seem to belong to the next tick, so not every interval counts.
    const inOneTick = payments.slice(0, each).filter((at, i) => at === reservations[i]);
    expect(inOneTick.length).toBeGreaterThan(each / 2);
    const apart = payments.slice(1, each).filter((at, i) => at > payments[i]!);
    expect(apart.length).toBeGreaterThan(each / 2);
  });

  test('lets each application take one step per tick', async () => {
    let ticks = 0;
    const tick = SharedBoard.prototype.tick;
    vi.spyOn(SharedBoard.prototype, 'tick').mockImplementation(function (this: SharedBoard) {
      ticks += 1;
      tick.call(this);
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const paidAt: number[] = [];
    watchRunners((event) => {
      if (
        event.kind === 'processed' &&
        event.applicationName === 'orders' &&
        event.upstreamName === 'payments'
      )
        paidAt.push(ticks);
    });
    await using runner = await MultiThreadedRunner.start(shop, {
      storage: memory(),
      pollIntervalMs: never,
      clockSpeed: 4,
    });
    const orders = runner.get(Orders);
    const areIdle = async () => (await runner.status()).every(({ state }) => state === 'idle');
    for (const [i, customer] of ['ada', 'bob'].entries()) {
      await until('no application waits for a tick', areIdle);
      const before = ticks;
      await orders.place(customer);
      await runner.caughtUp();
      await until('the last step is published', () => paidAt.length > i);
      // Reservations and both steps of orders take a tick each. Payments, which steps in every tick while the log of orders
      // grows, may see the first step of orders in the tick of that step.
      expect(paidAt[i]! - before).toBeGreaterThanOrEqual(3);
    }
  });

  test('publishes an overrun, and prints nothing', async () => {
    const printed: unknown[] = [];
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((text) => printed.push(text) > 0);
    }
    onTestFinished(() => void vi.restoreAllMocks());
    const events = watchRunners();
    await using runner = await MultiThreadedRunner.start(shop, {
      storage: memory(),
      pollIntervalMs: never,
      clockSpeed: 50,
    });
    const until = performance.now() + 300;
    while (performance.now() < until); // blocks this thread, and with it the clock
    const overrun = await vi.waitUntil(() =>
      events.find((event) => event.kind === 'overrun' && event.tickMs >= 250),
    );
    expect(overrun).toEqual({
      kind: 'overrun',
      runner: 'MultiThreadedRunner',
      tick: expect.any(Number),
      tickMs: expect.any(Number),
      intervalMs: 20,
    });
    await runner.get(Orders).place('ada');
    await runner.caughtUp();
    await runner.close();
    expect(printed).toEqual([]);
  });
});
