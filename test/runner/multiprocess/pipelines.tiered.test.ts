import { MultiprocessRunner } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { storagesOfProcesses } from '../../support/storages.ts';

const never = 2 ** 30;
const pipelineIds = [0, 1, 2];

describe.each(storagesOfProcesses)('pipelines on $name', ({ create }) => {
  test('one application goes from pipeline to pipeline, and changes what was made in another', async () => {
    const storage = create();
    await using runner = await MultiprocessRunner.start(shop, {
      storage,
      pipelineIds,
      pollIntervalMs: never,
    });
    const orders = runner.get(Orders);
    expect(orders).not.toBe(runner.get(Orders, 0));
    expect(() => runner.get(Orders, 0).changePipeline(1)).toThrow(
      "Application 'orders' cannot leave pipeline 0",
    );
    const ids: string[] = [];
    for (const pipelineId of pipelineIds) {
      orders.changePipeline(pipelineId);
      ids.push(await orders.place(`in ${pipelineId}`));
    }
    await runner.caughtUp();
    for (const id of ids) expect((await orders.get(id)).done).toBe(true);
    for (const pipelineId of pipelineIds) {
      const heads = await Promise.all(
        shop.applications.map((kind) => runner.get(kind, pipelineId).log.head()),
      );
      expect(heads).toEqual([3, 1, 1]);
    }
    // In whichever pipeline an order is changed, it has one version after the other.
    const order = await runner.get(Orders, 2).repository.get(Order, ids[0]!);
    expect(order.version).toBe(3);
    expect(() => runner.get(Orders, -1)).toThrow('Expected a pipeline id to be an integer');
    // A pipeline that runs nowhere yet takes commands, too.
    const later = await runner.get(Orders, 9).place('later');
    await runner.caughtUp();
    expect((await orders.get(later)).done).toBe(false);
    await using other = await MultiprocessRunner.start(shop.bind(storage), { pipelineIds: [9] });
    await other.caughtUp();
    expect((await orders.get(later)).done).toBe(true);
  });
});

test('pipelines are distinct whole numbers, and at least one; applications are those of the system', async () => {
  const wrong = [
    ...[[], [1, 1], [-1], [0.5], 0].map((pipelineIds) => ({ pipelineIds })),
    ...['orders', [class Stranger extends Orders {}]].map((applications) => ({ applications })),
  ];
  for (const options of wrong) {
    await expect(
      MultiprocessRunner.start(shop, options as Parameters<typeof MultiprocessRunner.start>[1]),
      JSON.stringify(options),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_|UNKNOWN_APPLICATION/) });
  }
});
