import { DownstreamError, MultiprocessRunner, type MultiprocessRunnerOptions } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { assertContiguous, assertSound, difference, unbrokenHistories } from '../../support/logs.ts';
import { storagesOfProcesses, temporaryDirectory } from '../../support/storages.ts';
import { inTime, patient } from '../../support/until.ts';
import { failingShop } from '../multi-threaded/faulty-shop.ts';
import { raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { startHost } from './start-host.ts';

const never = 2 ** 30;
const customersOf = (name: string) => Array.from({ length: 60 }, (_, i) => `${name} ${i}`);

describe.each(storagesOfProcesses)('on $name', ({ name, create }) => {
  // PostgreSQL prompts by NOTIFY; hosts on SQLite have to poll.
  const pollIntervalMs = name === 'postgres' ? never : 50;

  test('two hosts that run the same pipelines process every event once', async () => {
    const storage = create();
    const task = { storage, pipelineIds: [0, 1], pollIntervalMs, batchSize: 7 };
    const hosts = await Promise.all([startHost(task), startHost(task)]);
    const placed: string[] = [];
    for (const pipelineId of task.pipelineIds) {
      const placing = hosts.map((host, i) => {
        const customers = customersOf(`host ${i}, pipeline ${pipelineId}`);
        placed.push(...customers);
        return host.send({ kind: 'place', customers, pipelineId });
      });
      await Promise.all(placing);
    }
    await Promise.all(hosts.map((host) => host.send({ kind: 'caughtUp' })));
    await Promise.all(hosts.map((host) => host.send({ kind: 'close' })));
    await using runner = await MultiprocessRunner.start(shop, { storage, applications: [] });
    await runner.caughtUp();
    const applications = task.pipelineIds.flatMap((id) =>
      shop.applications.map((kind) => runner.get(kind, id)),
    );
    for (const application of applications) await assertContiguous(application);
    await assertSound(storage);
    const histories = await canonicalHistories(applications, { causes: true });
    expect(difference(histories, await unbrokenHistories(placed))).toEqual({ lost: [], doubled: [] });
  });

  test('hosts share pipelines and applications of a system', async () => {
    const storage = create();
    const started = async (options: MultiprocessRunnerOptions<(typeof shop.applications)[number]>) => {
      const runner = await MultiprocessRunner.start(shop.bind(storage), { pollIntervalMs, ...options });
      onTestFinished(() => runner.close());
      return runner;
    };
    const shares = [
      { pipelineIds: [0, 1], applications: [Orders] },
      { pipelineIds: [0], applications: [Reservations, Payments] },
      { pipelineIds: [1], applications: [Reservations, Payments] },
    ];
    const runners = await Promise.all(shares.map(started));
    const commands = await started({ pipelineIds: [1], applications: [] });
    const [first] = runners as [MultiprocessRunner<(typeof shop.applications)[number]>];

    const customers = customersOf('any');
    // Each host accepts orders for any pipeline, also for pipelines of other hosts.
    await Promise.all(
      customers.map((customer, i) => [...runners, commands][i % 4]!.get(Orders, i % 2).place(customer)),
    );
    await commands.caughtUp(); // pipeline 1 is processed, by any host
    const states = (await commands.status()).map(({ state, upstreams }) => [
      state,
      ...upstreams.map(({ lag }) => lag),
    ]);
    expect(states).toEqual([
      ['elsewhere', 0, 0],
      ['elsewhere', 0],
      ['elsewhere', 0],
    ]);
    await first.caughtUp();
    const statesOfFirst = async () => (await first.status()).map(({ state }) => state);
    await expect
      .poll(statesOfFirst, patient)
      .toEqual([...['idle', 'elsewhere', 'elsewhere'], ...['idle', 'elsewhere', 'elsewhere']]);
    const applications = [0, 1].flatMap((id) => shop.applications.map((kind) => first.get(kind, id)));
    for (const application of applications) await assertContiguous(application);
    await assertSound(storage);
    const histories = await canonicalHistories(applications, { causes: true });
    expect(difference(histories, await unbrokenHistories(customers))).toEqual({ lost: [], doubled: [] });
  });

  test('caughtUp() does not wait for applications that no host runs once one has failed here', async () => {
    storeFlagsIn(temporaryDirectory());
    const [, Failing] = failingShop.applications;
    await using runner = await MultiprocessRunner.start(failingShop.bind(create()), {
      applications: [Failing!],
      pollIntervalMs,
    });
    raise('policy error');
    await runner.get(Orders).place('mallory');
    const waiting = runner.caughtUp({ signal: inTime() });
    const error = await rejectionOf(waiting, DownstreamError);
    expect([...error.failures.keys()]).toEqual(['reservations']);
    expect((await runner.status()).map(({ state }) => state)).toEqual(['elsewhere', 'failed', 'elsewhere']);
  });

  test('caughtUp() waits for applications that no host runs yet', async () => {
    const storage = create();
    await using runner = await MultiprocessRunner.start(shop.bind(storage), {
      applications: [Orders, Payments],
      pollIntervalMs,
    });
    await runner.get(Orders).place('ada');
    const signal = AbortSignal.timeout(1_500);
    await expect(runner.caughtUp({ signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    const [, reservations] = await runner.status();
    expect(reservations).toMatchObject({
      state: 'elsewhere',
      upstreams: [{ upstreamName: 'orders', position: 0, lag: 1, parked: 0, fitsLog: true }],
    });
    const waiting = runner.caughtUp();
    await using _other = await MultiprocessRunner.start(shop.bind(storage), {
      applications: [Reservations],
      pollIntervalMs,
    });
    await waiting;
    expect(await runner.get(Payments).log.head()).toBe(1);
  });
});
