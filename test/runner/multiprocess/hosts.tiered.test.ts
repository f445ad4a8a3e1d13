import { DownstreamError, MultiprocessRunner, type MultiprocessRunnerOptions } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { assertContiguous, difference, unbrokenHistories } from '../../support/logs.ts';
import { storagesOfProcesses, temporaryDirectory } from '../../support/storages.ts';
import { inTime } from '../../support/until.ts';
import { failingShop } from '../multi-threaded/faulty-shop.ts';
import { putSignsInto, raise } from '../multi-threaded/file-flags.ts';
import { startHost } from './start-host.ts';

const never = 2 ** 30;
const customersOf = (name: string) => Array.from({ length: 60 }, (_, i) => `${name} ${i}`);

describe.each(storagesOfProcesses)('on $name', ({ name, create }) => {
  // On PostgreSQL everything comes by NOTIFY; files tell nobody that they have grown.
  const pollIntervalMs = name === 'postgres' ? never : 50;

  test('two runners in two processes that run the same pipelines double nothing', async () => {
    const storage = create();
    const task = { storage, pipelineIds: [0, 1], pollIntervalMs, batchSize: 7 };
    const hosts = await Promise.all([startHost(task), startHost(task)]);
    const placed: string[] = [];
    for (const pipelineId of task.pipelineIds) {
      const placing = hosts.map((host, i) => {
        const customers = customersOf(`host ${i}, pipeline ${pipelineId}`);
        placed.push(...customers);
        return host.told({ kind: 'place', customers, pipelineId });
      });
      await Promise.all(placing);
    }
    await Promise.all(hosts.map((host) => host.told({ kind: 'caughtUp' })));
    await Promise.all(hosts.map((host) => host.told({ kind: 'close' })));
    await using runner = await MultiprocessRunner.start(shop, { storage, applications: [] });
    await runner.caughtUp();
    const applications = task.pipelineIds.flatMap((id) =>
      shop.applications.map((kind) => runner.get(kind, id)),
    );
    for (const application of applications) await assertContiguous(application);
    const histories = await canonicalHistories(applications);
    expect(difference(histories, await unbrokenHistories(placed))).toEqual({ lost: [], doubled: [] });
  });

  test('hosts that run some pipelines or applications each run the system together', async () => {
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
    // Each takes orders for any pipeline, also for those that others run.
    await Promise.all(
      customers.map((customer, i) => [...runners, commands][i % 4]!.get(Orders, i % 2).place(customer)),
    );
    await commands.caughtUp(); // nothing is left in pipeline 1, whoever ran it
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
    expect((await first.status()).map(({ state }) => state)).toEqual([
      ...['idle', 'elsewhere', 'elsewhere'],
      ...['idle', 'elsewhere', 'elsewhere'],
    ]);
    const applications = [0, 1].flatMap((id) => shop.applications.map((kind) => first.get(kind, id)));
    for (const application of applications) await assertContiguous(application);
    const histories = await canonicalHistories(applications);
    expect(difference(histories, await unbrokenHistories(customers))).toEqual({ lost: [], doubled: [] });
  });

  test('what nobody runs is not waited for when something has failed here', async () => {
    putSignsInto(temporaryDirectory());
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

  test('what nobody runs waits, and so does caughtUp()', async () => {
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
      upstreams: [{ upstreamName: 'orders', position: 0, lag: 1 }],
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
