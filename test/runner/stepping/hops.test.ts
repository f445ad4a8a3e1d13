import { memory, type SteppingRunnerOptions, SteppingSingleThreadedRunner, type Tick } from 'kahn';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { storages } from '../../support/storages.ts';
import { FakeClock } from './fake-clock.ts';
import { steppers } from './tick-log.ts';

/** What was fetched and recorded, such as `1>0 0>0 0>0`, by orders, reservations and payments. */
function rowOf({ applications }: Tick): string {
  return applications.map(({ fetched, recorded }) => `${fetched}>${recorded}`).join(' ');
}

describe.each(steppers)('the stepping $name runner', ({ start }) => {
  test('lets an order go one hop in a tick', async () => {
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

  test('lets what is saved outside of commands be seen in the tick that begins next', async () => {
    await using runner = await start(shop, { storage: memory(), paused: true });
    await runner.get(Orders).place('ada');
    expect(rowOf(await runner.step())).toBe('0>0 1>1 1>0');
    await runner.get(Orders).place('bob');
    expect(rowOf(await runner.step())).toBe('1>1 1>1 1>0');
  });

  test('counts in no tick what was recorded between two', async () => {
    await using runner = await start(shop, { storage: memory(), paused: true });
    for (let i = 0; i < 5; i += 1) {
      const placing = runner.get(Orders).place('ada');
      // However they meet: what a tick has fetched, it has not recorded.
      for (let turn = 0; turn < i; turn += 1) await Promise.resolve();
      const [tick] = await Promise.all([runner.step(), placing]);
      const [orders, reservations] = tick.applications;
      expect(orders!.recorded + reservations!.fetched).toBeLessThanOrEqual(1);
      await runner.caughtUp();
    }
  });

  test('is caught up after a tick in which nothing happened, having driven it itself', async () => {
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

describe('what others record', () => {
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

  test('is there for who waits to be caught up', async () => {
    const runner = await othersPlace({});
    await runner.caughtUp();
    expect(await runner.get(Orders).log.head()).toBe(3);
  });

  test('is looked for now and then', async () => {
    const clock = new FakeClock();
    const runner = await othersPlace({ clock, pollIntervalMs: 300 });
    clock.pass(299);
    expect(rowOf(await runner.step())).toBe('0>0 0>0 0>0');
    clock.pass(1);
    expect(rowOf(await runner.step())).toBe('0>0 1>1 1>0');
  });
});

describe('what is saved while applications process', () => {
  test('is recorded when they have done so', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    const [orders, reservations] = [runner.get(Orders), runner.get(Reservations)];
    await orders.place('ada');
    const heads: number[] = [];
    let late: Promise<string> | undefined;
    reservations.subscribe(() => {
      late ??= orders.place('bob'); // while payments is still to come
    });
    runner.get(Payments).subscribe(({ head }) => heads.push(head));
    expect(rowOf(await runner.step())).toMatch(/^0>[01] 1>1 1>0$/);
    await late;
    expect(rowOf(await runner.step())).toBe('1>1 1>1 1>0');
  });
});

describe('driving by hand', () => {
  test('steps until a condition holds, which may take its time', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    const tick = await runner.stepUntil(({ number }) => number === 3);
    expect(tick.number).toBe(3);
    const later = await runner.stepUntil(async ({ number }) => number === 5);
    expect(later.number).toBe(5);
    const problem = new Error('no condition');
    await expect(runner.stepUntil(() => Promise.reject(problem))).rejects.toBe(problem);
    expect((await runner.step()).number).toBe(7);
  });

  test('is given up by a signal', async () => {
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

  test('lets timers have their turn', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    const signal = AbortSignal.timeout(20);
    await expect(runner.stepUntil(() => false, { signal })).rejects.toThrow('due to timeout');
  });

  test('numbers ticks that are asked for at the same time', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    const ticks = await Promise.all([runner.step(), runner.step(), runner.step()]);
    expect(ticks.map(({ number }) => number)).toEqual([1, 2, 3]);
  });
});
