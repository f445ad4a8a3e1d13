import { MultiprocessRunner, pipelineFor } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { brokenShop } from '../../support/broken-shop.ts';
import { watchRunners } from '../../support/events.ts';
import { assertContiguous } from '../../support/logs.ts';
import { storages } from '../../support/storages.ts';

const never = 2 ** 30;
const pipelineIds = [0, 1, 2];
const customers = Array.from({ length: 60 }, (_, i) => `customer ${i}`);

describe.each(storages.filter(({ name }) => name !== 'memory'))(
  'pipelines on $name',
  { timeout: 180_000 },
  ({ create }) => {
    test('run side by side, each with logs, status and failures of its own', async () => {
      const events = watchRunners();
      const persistence = create();
      await using runner = await MultiprocessRunner.start(brokenShop, {
        persistence,
        pipelineIds,
        pollIntervalMs: never,
      });
      const share = (id: number) => customers.filter((customer) => pipelineFor(customer, pipelineIds) === id);
      const place = (customer: string) =>
        runner.get(Orders, pipelineFor(customer, pipelineIds)).place(customer);
      const ids = await Promise.all(customers.map(place));
      await runner.caughtUp();
      for (const id of ids) expect((await runner.get(Orders).get(id)).done).toBe(true);
      for (const pipelineId of pipelineIds) {
        const count = share(pipelineId).length;
        expect(count).toBeGreaterThan(0);
        const applications = brokenShop.applications.map((kind) => runner.get(kind, pipelineId));
        for (const application of applications) await assertContiguous(application);
        const heads = await Promise.all(applications.map(({ log }) => log.head()));
        expect(heads).toEqual([3 * count, count, count]);
      }
      const status = await runner.status();
      expect(status.map(({ applicationName, pipelineId }) => [applicationName, pipelineId])).toEqual(
        pipelineIds.flatMap((id) => ['orders', 'reservations', 'payments'].map((name) => [name, id])),
      );
      for (const { upstreams } of status) for (const { lag } of upstreams) expect(lag).toBe(0);

      await runner.get(Orders, 2).place('mallory');
      const last = await runner.get(Orders, 0).place('ada');
      await expect(runner.caughtUp()).rejects.toMatchObject({
        code: 'DOWNSTREAM_FAILED',
        failures: new Map([['reservations (pipeline 2)', expect.objectContaining({ pipelineId: 2 })]]),
      });
      expect((await runner.get(Orders, 0).get(last)).done).toBe(true);
      const states = (await runner.status()).map(({ state }) => state);
      expect(states).toEqual(['idle', 'idle', 'idle', 'idle', 'idle', 'idle', 'idle', 'failed', 'idle']);
      expect(events.filter(({ kind }) => kind === 'failed')).toHaveLength(1);
    });

    test('one application goes from pipeline to pipeline, and changes what was made in another', async () => {
      const persistence = create();
      await using runner = await MultiprocessRunner.start(shop, {
        persistence,
        pipelineIds,
        pollIntervalMs: never,
      });
      const orders = runner.get(Orders);
      expect(orders).not.toBe(runner.get(Orders, 0));
      expect(() => runner.get(Orders, 0).changePipeline(1)).toThrow(
        "Application 'orders' stays in pipeline 0",
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
      expect(() => runner.get(Orders, -1)).toThrow('A pipeline id is a whole number');
      // A pipeline that runs nowhere yet takes commands, too.
      const later = await runner.get(Orders, 9).place('later');
      await runner.caughtUp();
      expect((await orders.get(later)).done).toBe(false);
      await using other = await MultiprocessRunner.start(shop.bind(persistence), { pipelineIds: [9] });
      await other.caughtUp();
      expect((await orders.get(later)).done).toBe(true);
    });
  },
);

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
