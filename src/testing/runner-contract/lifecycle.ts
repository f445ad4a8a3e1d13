import assert from 'node:assert/strict';
import type { RunnerOptions } from '../../runner/runner-options.ts';
import type { System } from '../../system/system.ts';
import { assertAllPaid, placeMany } from './log-contents.ts';
import { Order, Orders, Payments, Reservations, shop } from './shop.ts';
import type { Test } from './tested-runner.ts';

/** Start and close. */
export function lifecycle(test: Test): void {
  test('start() refuses wrong options and an aborted signal, and leaves nothing behind', async (tested) => {
    const refused: readonly (readonly [object, object])[] = [
      [{ batchSize: 0 }, { code: 'INVALID_OPTION' }],
      [{ storage: {} }, { code: 'INVALID_OPTION' }],
      [{ batchSiz: 3 }, { code: 'INVALID_OPTION' }],
    ];
    for (const [options, error] of refused)
      await assert.rejects(tested.start(shop, options as RunnerOptions), error);
    await assert.rejects(tested.start({} as System));
    const reason = new Error('no time');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(tested.start(shop, { signal }), (error) => error === reason);
    const runner = await tested.start(shop);
    const ids = await placeMany(runner, 2);
    await runner.caughtUp({ signal: tested.signal });
    await assertAllPaid(runner, ids);
  });

  test('close() finishes the saves under way, and refuses further calls', async (tested) => {
    const runner = await tested.start(shop);
    const orders = runner.get(Orders);
    const placing = placeMany(runner, 10);
    await Promise.all([runner.close(), runner.close()]);
    const ids = await placing;
    await runner.close();
    assert.throws(() => runner.get(Orders), { code: 'RUNNER_CLOSED' });
    await assert.rejects(runner.caughtUp(), { code: 'RUNNER_CLOSED' });
    await assert.rejects(runner.pause(Payments, { by: 'the contract', reason: 'a test' }), {
      code: 'RUNNER_CLOSED',
    });
    await assert.rejects(orders.save(Order.place('late')), { code: 'APPLICATION_NOT_OPEN' });
    const again = await tested.start(shop);
    await again.caughtUp({ signal: tested.signal });
    await assertAllPaid(again, ids);
  });

  test('close() releases everything that keeps the process alive', async (tested) => {
    const round = async () => {
      const runner = await tested.start(shop);
      await placeMany(runner, 3);
      await runner.caughtUp({ signal: tested.signal });
      assert.ok((await runner.get(Reservations).log.head()) > 0);
      await runner.close();
    };
    // What the first rounds leave, such as the connections of a pool, may stay; what each round leaves may not. Two rounds
    // are more than a timer that is just running.
    for (let warmUp = 0; warmUp < 2; warmUp += 1) await round();
    const before = activeResources();
    for (let more = 0; more < 2; more += 1) await round();
    const added = () => grown(before, activeResources());
    await tested
      .until('the resources are released', () => added().length === 0)
      .catch((error: unknown) => {
        assert.deepEqual(added(), [], 'resources that close() has left');
        throw error;
      });
  });
}

/** Counts what keeps the process alive, by kind. */
function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** Kinds of which there are more than before. */
function grown(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): readonly string[] {
  return [...now].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind);
}
