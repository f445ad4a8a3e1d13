import { explain, memory, SingleThreadedRunner } from 'kahn';
import { expect, test } from 'vitest';
import * as earlier from '../../support/systems/evolution/earlier.ts';
import * as later from '../../support/systems/evolution/later.ts';

test('explain() shows types as recorded, and as what they are read', async () => {
  const storage = memory();
  {
    await using orders = await earlier.Orders.open({ storage });
    const order = earlier.Order.place('ada', 2, 'order').change({ name: 'bea', to: 'Rome' }).note('a');
    await orders.save(order.change({ to: 'Oslo' }));
  }
  await using runner = await SingleThreadedRunner.start(later.system, { storage });
  await runner.get(later.Orders).save(later.Order.make('cy', 5).move('Rome'));
  await runner.caughtUp();
  const all = [];
  for (let id = 1; id <= 6; id += 1) {
    const explanation = await explain(runner, 'orders', id);
    const { type, readAs, effects } = explanation.event;
    all.push([type, readAs, effects.length]);
  }
  expect(all).toEqual([
    ['Order.Placed', ['Order.Created'], 1],
    ['Order.Changed', ['Order.Renamed', 'Order.Moved'], 2],
    ['Order.Noted', [], 0],
    ['Order.Changed', ['Order.Moved'], 1],
    ['Order.Created@2', ['Order.Created'], 1],
    ['Order.Moved', undefined, 1],
  ]);
  const textOf = async (id: number) => String(await explain(runner, 'orders', id));
  expect(await textOf(1)).toContain('Order.Placed (read as Order.Created)');
  expect(await textOf(2)).toContain('Order.Changed (read as Order.Renamed, Order.Moved)');
  expect(await textOf(3)).toContain('Order.Noted (dropped)');
  expect(await textOf(5)).toContain('Order.Created@2  ');
  const ofEntry = await explain(runner, 'journal', 2);
  expect(ofEntry.causes[0]).toMatchObject({
    type: 'Order.Changed',
    readAs: ['Order.Renamed', 'Order.Moved'],
  });
  expect(ofEntry.toMermaid()).toContain('Order.Changed (read as Order.Renamed, Order.Moved)');
  // Without the system, the code that reads events is unknown.
  expect((await explain(storage, 'orders', 1)).event).not.toHaveProperty('readAs');
});

test('explain() names followers that have an event to process by what it is read as', async () => {
  const storage = memory();
  await using orders = await earlier.Orders.open({ storage });
  await orders.save(earlier.Order.place('ada', 2).note('a').change({ to: 'Rome' }));
  const source = { storage, system: later.system };
  const unprocessed = [];
  for (let id = 1; id <= 3; id += 1)
    unprocessed.push((await explain(source, 'orders', id)).event.unprocessedBy);
  expect(unprocessed).toEqual([['journal'], [], ['journal']]);
});
