import { DownstreamError, InvalidOptionError, MultiThreadedRunner } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { brokenShop } from '../../support/broken-shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { watchRunners } from '../../support/events.ts';
import { assertContiguous } from '../../support/logs.ts';
import { storages } from '../../support/storages.ts';

const never = 2 ** 30;
const pipelineIds = [0, 1, 2];

describe.each(storages.filter(({ name }) => name !== 'postgres'))(
  'pipelines on $name',
  { timeout: 120_000 },
  ({ create }) => {
    test('run side by side, each with logs, status and failures of its own', async () => {
      const events = watchRunners();
      const persistence = create();
      await using runner = await MultiThreadedRunner.start(brokenShop, {
        persistence,
        pipelineIds,
        pollIntervalMs: never,
      });
      const ids = await Promise.all(
        pipelineIds.map(async (pipelineId) => {
          const orders = runner.get(Orders, pipelineId);
          expect(orders.pipelineId).toBe(pipelineId);
          const placing = Array.from({ length: 5 * (pipelineId + 1) }, (_, i) => orders.place(`${i}`));
          return Promise.all(placing);
        }),
      );
      await runner.caughtUp();
      expect(runner.get(Orders)).toBe(runner.get(Orders, 0));
      expect(() => runner.get(Orders, 3)).toThrow(InvalidOptionError);
      for (const pipelineId of pipelineIds) {
        const count = 5 * (pipelineId + 1);
        const orders = runner.get(Orders, pipelineId);
        for (const id of ids[pipelineId]!) expect((await orders.get(id)).done).toBe(true);
        const applications = brokenShop.applications.map((kind) => runner.get(kind, pipelineId));
        for (const application of applications) await assertContiguous(application);
        const heads = await Promise.all(applications.map(({ log }) => log.head()));
        expect(heads).toEqual([3 * count, count, count]);
      }
      const status = await runner.status();
      expect(status.map(({ applicationName, pipelineId }) => [applicationName, pipelineId])).toEqual(
        pipelineIds.flatMap((id) => ['orders', 'reservations', 'payments'].map((name) => [name, id])),
      );
      expect(status[4]?.upstreams).toEqual([{ upstreamName: 'orders', position: 30, lag: 0 }]);

      for (const pipelineId of [1, 2]) await runner.get(Orders, pipelineId).place('mallory');
      const last = await runner.get(Orders, 0).place('ada');
      const error = await rejectionOf(runner.caughtUp(), DownstreamError);
      expect([...error.failures.keys()]).toEqual(['reservations (pipeline 1)', 'reservations (pipeline 2)']);
      expect(error.message).toContain("Application 'reservations (pipeline 1)' (and 1 more) has failed");
      expect(error.failures.get('reservations (pipeline 2)')).toMatchObject({
        pipelineId: 2,
        notificationId: 46,
      });
      expect((await runner.get(Orders, 0).get(last)).done).toBe(true);
      const states = (await runner.status()).map(({ state }) => state);
      expect(states).toEqual(['idle', 'idle', 'idle', 'idle', 'failed', 'idle', 'idle', 'failed', 'idle']);
      const failed = events.filter((event) => event.kind === 'failed');
      expect(failed.map(({ pipelineId }) => pipelineId).sort()).toEqual([1, 2]);
    });
  },
);

test('pipelines are distinct whole numbers, and at least one', async () => {
  for (const wrong of [[], [1, 1], [-1], [0.5], 0]) {
    await expect(
      MultiThreadedRunner.start(shop, { pipelineIds: wrong as readonly number[] }),
      `${wrong}`,
    ).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
  }
});
