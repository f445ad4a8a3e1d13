import assert from 'node:assert/strict';
import type { SystemRunner } from '../../runner/runner.ts';
import { SingleThreadedRunner } from '../../runner/single-threaded/single-threaded-runner.ts';
import { memory } from '../../storage/memory/index.ts';
import { canonicalHistories } from '../canonical-histories.ts';
import { Countdown, Countdowns, countdowns, Echoes, eventsOfCountdown } from './countdowns.ts';
import { assertAllPaid, place, placeMany, type ShopRunner } from './log-contents.ts';
import { Order, Orders, shop } from './shop.ts';
import type { Test } from './tested-runner.ts';

type CountdownRunner = SystemRunner<typeof Countdowns | typeof Echoes>;

/** What is on record. */
export function results(test: Test): void {
  test('leaves the same histories and causes on record as the single-threaded runner', async (tested) => {
    const scenario = async (runner: ShopRunner) => {
      for (const customer of ['ada', 'bo', 'cy', 'di']) await place(runner, customer);
      await runner.caughtUp({ signal: tested.signal });
      return await canonicalHistories(
        shop.applications.map((kind) => runner.get(kind)),
        { causes: true },
      );
    };
    const expected = await (async () => {
      await using runner = await SingleThreadedRunner.start(shop, { storage: memory() });
      return await scenario(runner);
    })();
    assert.deepEqual(await scenario(await tested.start(shop)), expected);
  });

  test('handles the events of each upstream once, in their order', async (tested) => {
    const runner = await tested.start(shop);
    const ids = await placeMany(runner, 30);
    await runner.caughtUp({ signal: tested.signal });
    await assertAllPaid(runner, ids);
  });

  test('handles what was recorded before the start, in batches of any size', async (tested) => {
    const ids: string[] = [];
    for (const batchSize of [1, 3]) {
      await using orders = await shop.open(Orders, { storage: tested.storage });
      for (let i = 0; i < 10; i += 1) {
        const order = Order.place(`customer ${i}`);
        await orders.save(order);
        ids.push(order.id);
      }
      await orders.close();
      const runner = await tested.start(shop, { batchSize });
      await runner.caughtUp({ signal: tested.signal });
      await assertAllPaid(runner, ids);
      await runner.close();
    }
  });

  test('handles each event once, however often the runner is closed and started', async (tested) => {
    const ids: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      const runner = await tested.start(shop);
      ids.push(...(await placeMany(runner, 5)));
      await runner.close(); // in the middle of what follows
    }
    const runner = await tested.start(shop);
    await runner.caughtUp({ signal: tested.signal });
    await assertAllPaid(runner, ids);
    await runner.close();
    await tested.assertSound(shop);
  });

  test('brings two applications that follow themselves to their ends', async (tested) => {
    const runner: CountdownRunner = await tested.start(countdowns);
    await runner.get(Countdowns).save([Countdown.from(4), Countdown.from(2)]);
    await runner.caughtUp({ signal: tested.signal });
    const [four, two] = [eventsOfCountdown(4), eventsOfCountdown(2)];
    assert.equal(await runner.get(Countdowns).log.head(), four.ticks + two.ticks);
    assert.equal(await runner.get(Echoes).log.head(), four.echoes + two.echoes);
  });
}
