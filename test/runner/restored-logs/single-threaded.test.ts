import { performance } from 'node:perf_hooks';
import { DownstreamError, SingleThreadedRunner } from 'kahn';
import { expect, onTestFinished, test, vi } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { cutOff } from '../../support/restored-logs.ts';
import { storages } from '../../support/storages.ts';
import { Orders, system } from '../../support/systems/versions/before.ts';
import { Order } from '../../support/systems/versions/orders.ts';
import { restoredLogsContract } from './contract.ts';

for (const { name, create } of storages.filter((one) => one.name !== 'memory')) {
  restoredLogsContract({
    name: `the single-threaded runner on ${name}`,
    start: (system, options) => SingleThreadedRunner.start(system, { ...options, pollIntervalMs: 20 }),
    createStorage: create,
  });

  test(`save() rejects after its log was restored from an older copy while the system runs, on ${name}`, async () => {
    const storage = create();
    await using runner = await SingleThreadedRunner.start(system, { storage, pollIntervalMs: 60_000 });
    for (let i = 0; i < 5; i += 1) await runner.get(Orders).save(Order.make());
    await cutOff(storage, 'orders', 2);
    const { failures } = await rejectionOf(runner.get(Orders).save(Order.make()), DownstreamError);
    expect(failures.get('ledger')).toMatchObject({ code: 'LOG_MISMATCH' });
    expect(await runner.status()).toMatchObject([{}, { state: 'failed', upstreams: [{ lag: -2 }] }]);
  });

  test(`save() rejects after another writer has extended a restored log to its old length, on ${name}`, async () => {
    const storage = create();
    await using runner = await SingleThreadedRunner.start(system, { storage, pollIntervalMs: 60_000 });
    for (let i = 0; i < 5; i += 1) await runner.get(Orders).save(Order.make());
    await cutOff(storage, 'orders', 2);
    await using orders = await system.open(Orders, { storage });
    for (let i = 0; i < 3; i += 1) await orders.save(Order.make());
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 1_000); // restoring a log takes its time
    onTestFinished(() => void vi.restoreAllMocks());
    const { failures } = await rejectionOf(runner.get(Orders).save(Order.make()), DownstreamError);
    expect(failures.get('ledger')).toMatchObject({ code: 'LOG_MISMATCH' });
  });
}
