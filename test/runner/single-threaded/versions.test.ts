import { DownstreamError, run, SingleThreadedRunner } from 'kahn';
import { expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import * as after from '../../support/systems/versions/after.ts';
import * as before from '../../support/systems/versions/before.ts';
import { Order } from '../../support/systems/versions/orders.ts';
import { until } from '../../support/until.ts';
import { startContract, type VersionsSubject, versionsContract } from '../versions-contract.ts';

for (const { name, create } of storages) {
  const subject: VersionsSubject = {
    name: `the single-threaded runner on ${name}`,
    start: (system, options) => SingleThreadedRunner.start(system, { ...options, pollIntervalMs: 20 }),
    createStorage: create,
  };
  versionsContract(subject);
  startContract(subject);

  test(`save() rejects if its followers wait for another version, and resolves if they ignore its events, on ${name}`, async () => {
    const storage = create();
    await using orders = await after.system.open(after.Orders, { storage });
    const order = Order.make();
    await orders.save(order.cancel());
    await using runner = await run(before.system.bind(storage));
    const error = await rejectionOf(runner.get(before.Orders).save(Order.make()), DownstreamError);
    expect(error.message).toMatch(
      "The events saved in 'orders' are recorded, but not all followers could process them. Application 'ledger' was " +
        "interrupted and resumes automatically: Application 'ledger' waits in pipeline 0 with notification 2 of 'orders' " +
        "('Order.Cancelled'): this code does not know 'Order.Cancelled'. Run a version that knows it, or add it to " +
        "'static readonly emits' of 'orders'. Processing resumes automatically when another version of the application " +
        'has processed the notification.',
    );
    await runner.get(before.Orders).save(order.pay());
    await rejectionOf(runner.caughtUp(), DownstreamError);
    expect((await runner.status())[1]?.upstreams).toMatchObject([{ position: 1, lag: 3 }]);
  });

  test(`an application that has ignored an event goes back if a newer version handles it, on ${name}`, async () => {
    const storage = create();
    await using runner = await run(before.system.bind(storage));
    const orders = runner.get(before.Orders);
    const order = Order.make();
    await orders.save(order);
    await using ledger = await after.system.open(after.Ledger, { storage });
    ledger.follow(orders.log);
    const { recorder } = applicationInternals.storeOf(runner.get(before.Ledger));
    const record = recorder.record.bind(recorder);
    recorder.record = async (...args) => {
      await ledger.run({ upTo: 0 }); // the newer version starts when the ledger has ignored the payment
      return await record(...args);
    };
    await orders.save(order.pay());
    const statusOfLedger = async () => (await runner.status())[1];
    await until('the ledger waits', async () => (await statusOfLedger())?.state === 'interrupted');
    expect(await statusOfLedger()).toMatchObject({
      upstreams: [{ position: 1, lag: 1 }],
      lastError: { reason: 'TYPE_HANDLED_ELSEWHERE', notificationId: 2 },
    });
    await rejectionOf(runner.caughtUp(), DownstreamError);
  });
}
