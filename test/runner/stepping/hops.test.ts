import { memory, type SteppingRunnerOptions, SteppingSingleThreadedRunner, type Tick } from 'kahn';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { storages } from '../../support/storages.ts';
import { FakeClock } from './clock/fake-clock.ts';
import { steppers } from './tick-log.ts';

/** Formats what orders, reservations and payments fetched and recorded, as in `1>0 0>0 0>0`. */
function rowOf({ applications }: Tick): string {
  return applications.map(({ fetched, recorded }) => `${fetched}>${recorded}`).join(' ');
}

describe.each(steppers)('the stepping $name runner', ({ start }) => {
  test('moves an order one hop per tick', async () => {
    await using runner = await start(shop, { storage: memory(), paused: true });
    runner.callInFuture(() => runner.get(Orders).place('ada'), 2);
    const rows: string[] = [];
    while (rows.length < 9) rows.push(rowOf(await runner.step()));
    expect(rows).toEqual([
      '0>0 0>0 0>0',
      '0>1 0>0 0>0', // the command: Order.Created
      '0>0 1>1 1>0', // Reservation.Created; payments ignores the order
      '1>1 0>0 0>0', // Order.Reserved
      '0>0 1>0 1>1', // Payment.Created
      '1>1 0>0 0>0', // Order.Paid
      '0>0 1>0 1>0',
      '0>0 0>0 0>0',
      '0>0 0>0 0>0',
    ]);
  });

  test('processes events saved outside of commands in the next tick', async () => {
    await using runner = await start(shop, { storage: memory(), paused: true });
    await runner.get(Orders).place('ada');
    expect(rowOf(await runner.step())).toBe('0>0 1>1 1>0');
    await runner.get(Orders).place('bob');
    expect(rowOf(await runner.step())).toBe('1>1 1>1 1>0');
  });

  test('does not count events recorded between two ticks', async () => {
    await using runner = await start(shop, { storage: memory(), paused: true });
    for (let i = 0; i < 5; i += 1) {
      const placing = runner.get(Orders).place('ada');
      // Whenever the save comes: an event that a tick fetches is not recorded in that tick.
      for (let turn = 0; turn < i; turn += 1) await Promise.resolve();
      const [tick] = await Promise.all([runner.step(), placing]);
      const [orders, reservations] = tick.applications;
      expect(orders!.recorded + reservations!.fetched).toBeLessThanOrEqual(1);
      await runner.caughtUp();
    }
  });

  test('is caught up after a tick in which nothing happened, and runs the ticks itself while paused', async () => {
    await using runner = await start(shop, { storage: memory(), paused: true });
    await runner.get(Orders).place('ada');
    await runner.caughtUp();
    expect(runner.tickCount).toBe(6);
    await runner.caughtUp();
    expect(runner.tickCount).toBe(7);
    const status = await runner.status();
    expect(status.flatMap(({ upstreams }) => upstreams.map(({ lag }) => lag))).toEqual([0, 0, 0, 0]);
  });
});

describe('events that other processes record', () => {
  async function othersPlace(options: SteppingRunnerOptions) {
    const storage = storages[1]!.create();
    const runner = await SteppingSingleThreadedRunner.start(shop.bind(storage), {
      paused: true,
      ...options,
    });
    onTestFinished(() => runner.close());
    await using orders = await shop.open(Orders, { storage });
    await orders.place('ada');
    return runner;
  }

  test('are processed before caughtUp() resolves', async () => {
    const runner = await othersPlace({});
    await runner.caughtUp();
    expect(await runner.get(Orders).log.head()).toBe(3);
  });

  test('are found once per poll interval', async () => {
    const clock = new FakeClock();
    const runner = await othersPlace({ clock, pollIntervalMs: 300 });
    clock.pass(299);
    expect(rowOf(await runner.step())).toBe('0>0 0>0 0>0');
    clock.pass(1);
    expect(rowOf(await runner.step())).toBe('0>0 1>1 1>0');
  });
});

describe('a save while applications process', () => {
  test('is recorded when all have processed', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    const [orders, reservations] = [runner.get(Orders), runner.get(Reservations)];
    await orders.place('ada');
    const heads: number[] = [];
    let late: Promise<string> | undefined;
    reservations.subscribe(() => {
      late ??= orders.place('bob'); // before payments has processed
    });
    runner.get(Payments).subscribe(({ head }) => heads.push(head));
    expect(rowOf(await runner.step())).toMatch(/^0>[01] 1>1 1>0$/);
    await late;
    expect(rowOf(await runner.step())).toBe('1>1 1>1 1>0');
  });
});

describe('step() and stepUntil()', () => {
  test('tick until a condition holds, which may be asynchronous', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    const tick = await runner.stepUntil(({ number }) => number === 3);
    expect(tick.number).toBe(3);
    const later = await runner.stepUntil(async ({ number }) => number === 5);
    expect(later.number).toBe(5);
    const problem = new Error('no condition');
    await expect(runner.stepUntil(() => Promise.reject(problem))).rejects.toBe(problem);
    expect((await runner.step()).number).toBe(7);
  });

  test('stop when the signal is aborted', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    const abort = new AbortController();
    const reason = new Error('no time');
    const stepping = runner.stepUntil(
      ({ number }) => {
        if (number === 4) abort.abort(reason);
        return false;
      },
      { signal: abort.signal },
    );
    await expect(stepping).rejects.toBe(reason);
    expect(runner.tickCount).toBe(4);
  });

  test('do not block timers', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    const signal = AbortSignal.timeout(20);
    await expect(runner.stepUntil(() => false, { signal })).rejects.toThrow('due to timeout');
  });

  test('number the ticks of concurrent calls in order', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    const ticks = await Promise.all([runner.step(), runner.step(), runner.step()]);
    expect(ticks.map(({ number }) => number)).toEqual([1, 2, 3]);
  });
});
