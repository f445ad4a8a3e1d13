import { MultiThreadedRunner, SingleThreadedRunner, type StorageDescription } from 'kahn';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { cutOff } from '../../support/restored-logs.ts';
import { storages, temporarySqlite } from '../../support/storages.ts';
import { until } from '../../support/until.ts';
import { watchWarnings } from '../../support/watchers/warnings.ts';

async function place(storage: StorageDescription, ...customers: string[]): Promise<void> {
  await using runner = await SingleThreadedRunner.start(shop.bind(storage));
  for (const customer of customers) await runner.get(Orders).place(customer);
}

for (const { name, create } of storages.filter((one) => one.name !== 'memory')) {
  test(`the start warns of each position that does not fit, with the number of missing notifications, on ${name}`, async () => {
    const warnings = watchWarnings();
    const storage = create();
    await place(storage, 'ada', 'bob');
    await cutOff(storage, 'orders', 4);
    await cutOff(storage, 'payments', 1);
    await using runner = await SingleThreadedRunner.start(shop.bind(storage));
    await until('the start warns', () => warnings.length > 0);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ name: 'KahnWarning', code: 'KAHN_LOG_MISMATCH' });
    expect(warnings[0]?.message.split('\n')).toEqual([
      'The logs and positions of this system are not of one moment:',
      "- 'orders' follows 'payments' in pipeline 0: it has processed notification 2, but the log ends at 1, so 1 notification is missing.",
      "- 'reservations' follows 'orders' in pipeline 0: it has processed notification 6, but the log ends at 4, so 2 notifications are missing.",
      "- 'payments' follows 'orders' in pipeline 0: it has processed notification 6, but the log ends at 4, so 2 notifications are missing.",
      'These applications stop with LOG_MISMATCH; the others run. Restore the storage of all applications as of the same ' +
        'moment, or move the positions with reposition(). A system in one file, sqlite({ file }), always is of one moment.',
    ]);
    const failed = (await runner.status()).map(({ lastError }) => lastError);
    expect(failed).toMatchObject([{ missing: 1 }, { missing: 2 }, { missing: 2 }]);
  });

  test(`the start does not warn when all fits, on ${name}`, async () => {
    const warnings = watchWarnings();
    const storage = create();
    await place(storage, 'ada', 'bob');
    await place(storage, 'cy');
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });
}

test('the start warns of positions in all pipelines of the runner, and in no others', async () => {
  const warnings = watchWarnings();
  const storage = temporarySqlite();
  const start = (...pipelineIds: number[]) => MultiThreadedRunner.start(shop, { storage, pipelineIds });
  {
    await using runner = await start(0, 1, 2);
    for (const pipelineId of [0, 1, 2]) await runner.get(Orders, pipelineId).place('ada');
    await runner.caughtUp();
  }
  await cutOff(storage, 'payments', 0, 1);
  await cutOff(storage, 'payments', 0, 2);
  await using _runner = await start(0, 1);
  await until('the start warns', () => warnings.length > 0);
  expect(warnings[0]?.message.match(/^- .*$/gm)).toEqual([
    "- 'orders' follows 'payments' in pipeline 1: it has processed notification 1, but the log ends at 0, so 1 notification is missing.",
  ]);
});
