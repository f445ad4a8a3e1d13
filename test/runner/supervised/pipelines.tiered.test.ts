import { DownstreamError, pipelineFor } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { rejectionOf } from '../../support/errors.ts';
import { assertContiguous, assertSound } from '../../support/logs.ts';
import { supervisedSubjects } from '../../support/supervised-runners.ts';
import { brokenShop } from '../../support/systems/broken-shop.ts';
import { patient } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';

const never = 2 ** 30;
const pipelineIds = [0, 1, 2];
const customers = Array.from({ length: 60 }, (_, i) => `customer ${i}`);
const pipelineOf = (customer: string) => pipelineFor(customer, pipelineIds);
const countIn = (pipelineId: number) => customers.filter((one) => pipelineOf(one) === pipelineId).length;

describe.each(supervisedSubjects)('pipelines of $name', ({ start, create }) => {
  test('run concurrently, each with its own logs, status and failures', async () => {
    const events = watchRunners();
    const storage = create();
    await using runner = await start(brokenShop, { storage, pipelineIds, pollIntervalMs: never });
    for (const id of pipelineIds) expect(runner.get(Orders, id).pipelineId).toBe(id);
    const place = (customer: string) => runner.get(Orders, pipelineOf(customer)).place(customer);
    const ids = await Promise.all(customers.map(place));
    await runner.caughtUp();
    for (const [index, id] of ids.entries()) {
      const own = runner.get(Orders, pipelineOf(customers[index]!));
      for (const orders of [own, runner.get(Orders)]) expect((await orders.get(id)).done).toBe(true);
    }
    for (const pipelineId of pipelineIds) {
      const count = countIn(pipelineId);
      expect(count).toBeGreaterThan(0);
      const applications = brokenShop.applications.map((kind) => runner.get(kind, pipelineId));
      for (const application of applications) await assertContiguous(application);
      const heads = await Promise.all(applications.map(({ log }) => log.head()));
      expect(heads).toEqual([3 * count, count, count]);
    }
    await assertSound(storage, brokenShop);
    const status = await runner.status();
    expect(status.map(({ applicationName, pipelineId }) => [applicationName, pipelineId])).toEqual(
      pipelineIds.flatMap((id) => ['orders', 'reservations', 'payments'].map((name) => [name, id])),
    );
    for (const { upstreams } of status) for (const { lag } of upstreams) expect(lag).toBe(0);
    const position = 3 * countIn(1);
    expect(status[4]?.upstreams).toMatchObject([{ upstreamName: 'orders', position, lag: 0 }]);

    for (const pipelineId of [1, 2]) await runner.get(Orders, pipelineId).place('mallory');
    const last = await runner.get(Orders, 0).place('ada');
    const error = await rejectionOf(runner.caughtUp(), DownstreamError);
    expect(error.code).toBe('DOWNSTREAM_FAILED');
    expect([...error.failures.keys()]).toEqual(['reservations (pipeline 1)', 'reservations (pipeline 2)']);
    expect(error.message).toContain("Application 'reservations (pipeline 1)' (and 1 more) failed");
    expect(error.failures.get('reservations (pipeline 2)')).toMatchObject({
      pipelineId: 2,
      notificationId: 3 * countIn(2) + 1,
    });
    expect((await runner.get(Orders, 0).get(last)).done).toBe(true);
    // A late prompt of the storage may make an application run for a moment.
    await expect
      .poll(async () => (await runner.status()).map(({ state }) => state), patient)
      .toEqual(['idle', 'idle', 'idle', 'idle', 'failed', 'idle', 'idle', 'failed', 'idle']);
    const failed = events.filter((event) => event.kind === 'failed');
    expect(failed.map(({ pipelineId }) => pipelineId).sort()).toEqual([1, 2]);
  });
});
