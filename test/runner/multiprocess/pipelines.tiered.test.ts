import { MultiprocessRunner } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { storagesOfProcesses } from '../../support/storages.ts';

const never = 2 ** 30;
const pipelineIds = [0, 1, 2];

describe.each(storagesOfProcesses)('pipelines on $name', ({ create }) => {
  test('an aggregate made in one pipeline is changed in others, and a pipeline may be run later', async () => {
    const storage = create();
    await using runner = await MultiprocessRunner.start(shop, {
      storage,
      pipelineIds,
      pollIntervalMs: never,
    });
    const orders = runner.get(Orders);
    const ids: string[] = [];
    for (const pipelineId of pipelineIds)
      ids.push(await runner.get(Orders, pipelineId).place(`in ${pipelineId}`));
    await runner.caughtUp();
    for (const id of ids) expect((await orders.get(id)).done).toBe(true);
    for (const pipelineId of pipelineIds) {
      const heads = await Promise.all(
        shop.applications.map((kind) => runner.get(kind, pipelineId).log.head()),
      );
      expect(heads).toEqual([3, 1, 1]);
    }
    // An order has contiguous versions, whichever pipelines change it.
    const order = await runner.get(Orders, 2).repository.get(Order, ids[0]!);
    expect(order.version).toBe(3);
    // A pipeline that no runner runs yet accepts commands.
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
