import {
  DownstreamError,
  memory,
  SteppingMultiThreadedRunner,
  type SteppingRunner,
  SteppingSingleThreadedRunner,
  type StorageDescription,
} from 'kahn';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Orders as ShopOrders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import { causalOrders, Ledger, Orders } from '../../support/systems/causal-orders.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';

const runners = [SteppingSingleThreadedRunner, SteppingMultiThreadedRunner];
const startTimeMs = Date.UTC(2030, 0, 1);

/** Opens orders and their ledger in pipeline 1, which the stepping runners do not run. */
async function openElsewhere(storage: StorageDescription): Promise<{ orders: Orders; ledger: Ledger }> {
  const orders = await Orders.open({ storage, pipelineId: 1 });
  const ledger = await Ledger.open({ storage, pipelineId: 1 });
  for (const application of [orders, ledger]) onTestFinished(() => application.close());
  ledger.follow(orders.log);
  return { orders, ledger };
}

/** Runs one tick, and returns its result for the ledger. */
async function stepOf(runner: SteppingRunner): Promise<unknown> {
  const { number, applications } = await runner.step();
  const [, ledger] = await runner.status();
  return {
    number,
    work: applications.map(({ fetched, recorded }) => [fetched, recorded]),
    state: ledger?.state,
    position: ledger?.upstreams[0]?.position,
  };
}

/** Result of {@link stepOf} if only the ledger worked: the numbers of notifications fetched and events recorded. */
function tickOf(number: number, ledgerWork: readonly number[], state: string, position: number): unknown {
  return { number, work: [[0, 0], ledgerWork], state, position };
}

describe.each(storages)('an application that waits for another pipeline, on $name', ({ create }) => {
  test('is retried in each tick until the other pipeline has processed, the same with and without threads', async () => {
    const seen: unknown[] = [];
    for (const Runner of runners) {
      const storage = create();
      const events = watchRunners();
      const elsewhere = await openElsewhere(storage);
      await using runner = await Runner.start(causalOrders, { storage, paused: true, startTimeMs });
      const orders = runner.get(Orders);
      const id = await elsewhere.orders.make('ada');
      await orders.make('bob');
      await orders.change(id);
      await orders.make('eve');
      const ticks = [await stepOf(runner), await stepOf(runner), await stepOf(runner)];
      expect((await runner.status())[1]?.lastError).toMatchObject({
        code: 'CAUSAL_DEPENDENCY',
        notificationId: 2,
        dependency: { pipelineId: 1, notificationId: 1 },
      });
      const error = await rejectionOf(runner.caughtUp(), DownstreamError);
      expect(error.failures.get('ledger')).toMatchObject({ code: 'CAUSAL_DEPENDENCY' });
      await elsewhere.ledger.run();
      for (let tick = 0; tick < 3; tick += 1) ticks.push(await stepOf(runner));
      await runner.caughtUp();
      expect(await runner.get(Ledger).changesOf(id)).toBe(1);
      expect(events.filter(({ kind }) => kind === 'interrupted')).toHaveLength(1);
      seen.push(ticks);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]).toEqual([
      tickOf(1, [1, 1], 'interrupted', 1),
      tickOf(2, [0, 0], 'interrupted', 1),
      tickOf(3, [0, 0], 'interrupted', 1),
      tickOf(5, [2, 2], 'idle', 3),
      tickOf(6, [0, 0], 'idle', 3),
      tickOf(7, [0, 0], 'idle', 3),
    ]);
  });
});

test.each(runners)('caughtUp() waits for other pipelines while the clock runs: %o', async (Runner) => {
  const storage = memory();
  const elsewhere = await openElsewhere(storage);
  await using runner = await Runner.start(causalOrders, { storage, normalSpeed: 200 });
  const id = await elsewhere.orders.make('ada');
  await runner.get(Orders).change(id);
  await until('the ledger waits', async () => (await runner.status())[1]?.state === 'interrupted');
  let isCaughtUp = false;
  const caughtUp = runner.caughtUp().then(() => {
    isCaughtUp = true;
  });
  const { tickCount } = runner;
  await until('five ticks have passed', () => runner.tickCount > tickCount + 5);
  expect(isCaughtUp).toBe(false);
  await elsewhere.ledger.run();
  await caughtUp;
  expect(await runner.get(Ledger).changesOf(id)).toBe(1);
});

test.each(runners)(
  'the positions behind ignored notifications are recorded when there are no new notifications: %o',
  async (Runner) => {
    await using runner = await Runner.start(shop, { storage: memory(), paused: true });
    await runner.get(ShopOrders).place('ada');
    for (let tick = 0; tick < 8; tick += 1) await runner.step();
    const upstreams = (await runner.status()).flatMap((row) => row.upstreams);
    expect(upstreams.map(({ lag }) => lag)).toEqual([0, 0, 0, 0]);
  },
);
