import { InvalidOptionError, MultiThreadedRunner } from 'kahn';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';

test('get() returns the application of the first pipeline, unless another one is given', async () => {
  await using runner = await MultiThreadedRunner.start(shop, { pipelineIds: [0, 1] });
  expect(runner.get(Orders)).toBe(runner.get(Orders, 0));
  expect(() => runner.get(Orders, 2)).toThrow(InvalidOptionError);
});

test('start() rejects wrong pipelineIds', async () => {
  for (const wrong of [[], [1, 1], [-1], [0.5], 0]) {
    await expect(
      MultiThreadedRunner.start(shop, { pipelineIds: wrong as readonly number[] }),
      `${wrong}`,
    ).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
  }
});
