import assert from 'node:assert/strict';
import { assertAllPaid, place, placeMany } from './log-contents.ts';
import { Order, Orders, Payments, shop } from './shop.ts';
import type { Test } from './tested-runner.ts';

/** Commands, prompts and waits. */
export function commands(test: Test): void {
  test('records commands while followers run', async (tested) => {
    const runner = await tested.start(shop);
    const first = await place(runner, 'first');
    const others = placeMany(runner, 20);
    const notes = Array.from({ length: 10 }, (_, i) =>
      runner.get(Orders).update(Order, first, (order) => order.note(`note ${i}`)),
    );
    const [ids] = await Promise.all([others, ...notes]);
    await runner.caughtUp({ signal: tested.signal });
    assert.equal((await runner.get(Orders).get(first)).notes, notes.length);
    await assertAllPaid(runner, [first, ...ids]);
  });

  test('handles what is saved without being asked', async (tested) => {
    const runner = await tested.start(shop);
    for (const customer of ['ada', 'bo']) {
      const id = await place(runner, customer);
      await tested.until(
        'the order is paid',
        async () => (await runner.get(Orders).get(id)).paid !== undefined,
      );
    }
  });

  test('caughtUp() resolves when everything is handled, and what follows from it', async (tested) => {
    const runner = await tested.start(shop);
    await runner.caughtUp({ signal: tested.signal });
    for (let round = 1; round <= 3; round += 1) {
      await placeMany(runner, 5);
      await runner.caughtUp({ signal: tested.signal });
      assert.equal(await runner.get(Payments).log.head(), round * 5);
    }
  });

  test('settled() and processed() resolve when what follows from one save is handled', async (tested) => {
    const runner = await tested.start(shop);
    const [first, second] = [Order.place('ada'), Order.place('bo')];
    const toBePaid = await runner.get(Orders).save(first);
    await runner.processed(toBePaid, { by: Payments, signal: tested.signal });
    assert.equal(await runner.get(Payments).log.head(), 1);
    const toBeSettled = await runner.get(Orders).save(second);
    await runner.settled(toBeSettled, { signal: tested.signal });
    assert.equal((await runner.get(Orders).get(second.id)).paid, 2);
    await runner.settled(toBePaid, { signal: tested.signal });
  });

  test('status() shows the state and position of each application', async (tested) => {
    const runner = await tested.start(shop);
    await placeMany(runner, 3);
    await runner.caughtUp({ signal: tested.signal });
    const isIdle = async () =>
      (await runner.status()).every(
        ({ state, upstreams }) => state === 'idle' && upstreams.every(({ lag }) => lag === 0),
      );
    await tested.until('all applications are idle', isIdle);
    const shown = (await runner.status()).map(({ applicationName, pipelineId, upstreams }) => ({
      applicationName,
      pipelineId,
      upstreams: upstreams.map(({ upstreamName, position }) => `${upstreamName} ${position}`).sort(),
    }));
    assert.deepEqual(shown, [
      { applicationName: 'orders', pipelineId: 0, upstreams: ['payments 3', 'reservations 3'] },
      { applicationName: 'reservations', pipelineId: 0, upstreams: ['orders 9'] },
      { applicationName: 'payments', pipelineId: 0, upstreams: ['orders 9'] },
    ]);
  });
}
