import { InvalidIdError, PipelineFixedError, run } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { Reservations } from '../../examples/shop/reservations.ts';
import { shop } from '../../examples/shop/shop.ts';
import { storages } from '../support/storages.ts';

describe.each(storages)('an application that changes its pipeline on $name', ({ create }) => {
  test('records in the log of the other pipeline, with the same aggregates', async () => {
    await using orders = await Orders.open({ storage: create() });
    const prompts: unknown[] = [];
    orders.subscribe((prompt) => prompts.push(prompt));
    const first = await orders.place('ada');
    orders.changePipeline(3);
    expect([orders.pipelineId, await orders.log.head()]).toEqual([3, 0]);
    const order = await orders.get(first);
    order.reserve('there');
    await orders.save(order);
    orders.changePipeline(0);
    expect([orders.pipelineId, await orders.log.head()]).toEqual([0, 1]);
    expect((await orders.get(first)).version).toBe(2);
    expect(prompts).toEqual([
      { applicationName: 'orders', pipelineId: 0, head: 1 },
      { applicationName: 'orders', pipelineId: 3, head: 1 },
    ]);
  });

  test('records running saves in the pipeline in which they were made', async () => {
    const storage = create();
    const orders = await Orders.open({ storage });
    const placing = ['ada', 'grace'].map((customer) => orders.place(customer));
    orders.changePipeline(1);
    placing.push(orders.place('edsger'));
    await orders.close();
    await Promise.all(placing);
    for (const [pipelineId, count] of [
      [0, 2],
      [1, 1],
    ]) {
      await using again = await Orders.open({ storage, pipelineId: pipelineId! });
      expect(await again.log.head(), `pipeline ${pipelineId}`).toBe(count);
    }
  });
});

test('rejects an invalid pipeline id, and any change while the application follows others', async () => {
  await using orders = await Orders.open({ storage: storages[0]!.create() });
  expect(() => orders.changePipeline(-1)).toThrow(InvalidIdError);
  await using reservations = await Reservations.open({ storage: storages[0]!.create() });
  reservations.follow(orders.log);
  expect(() => reservations.changePipeline(1)).toThrow(PipelineFixedError);
  await using runner = await run(shop);
  expect(() => runner.get(Orders).changePipeline(1)).toThrow("Application 'orders' cannot leave pipeline 0");
});
