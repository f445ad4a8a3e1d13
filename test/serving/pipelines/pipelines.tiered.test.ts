import { MultiprocessRunner, MultiThreadedRunner, type StorageDescription, verify } from 'kahn';
import { type ErrorDocument, type LogDocument, serveLogs } from 'kahn/http';
import { afterAll, expect, test } from 'vitest';
import { storages, temporarySqlite } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { until } from '../../support/until.ts';
import { TestServer } from '../test-server.ts';
import { Billing, Sale, Sales } from '../two-systems.ts';

// The module of the systems reads its URL, also in threads.
const server = await TestServer.listen(afterAll);
process.env.KAHN_TEST_PIPELINES_URL = server.url;
const { office, shop } = await import('./two-with-pipelines.ts');

const options = { applications: [Sales], authorize: () => true };

async function startShop(storage: StorageDescription, pipelineIds: readonly number[]) {
  const runner = await MultiThreadedRunner.start(shop, { storage, pipelineIds });
  server.handler = serveLogs(runner, options);
  const sell = async (...amounts: readonly number[]) => {
    for (const amount of amounts)
      for (const pipelineId of pipelineIds)
        await runner.get(Sales, pipelineId).save(Sale.make(100 * pipelineId + amount));
  };
  return { sell, close: () => runner.close(), [Symbol.asyncDispose]: () => runner.close() };
}

async function startOffice(storage: StorageDescription, pipelineIds: readonly number[]) {
  const runner = await MultiThreadedRunner.start(office, { storage, pipelineIds, pollIntervalMs: 20 });
  const billed = async (pipelineId: number) => {
    const amounts: number[] = [];
    for await (const { event } of runner.get(Billing, pipelineId).reader()) amounts.push(event.data.amount);
    return amounts;
  };
  /** Waits until all sales of pipelines are billed, once and in order. */
  const untilBilled = async (count: number, ids: readonly number[]) => {
    for (const id of ids) {
      await until(`${count} are billed in pipeline ${id}`, async () => (await billed(id)).length >= count);
      expect(await billed(id)).toEqual(Array.from({ length: count }, (_, i) => 100 * id + i + 1));
    }
  };
  return { runner, billed, untilBilled, [Symbol.asyncDispose]: () => runner.close() };
}

test.each(byTier(storages.slice(0, 1), storages))(
  'each pipeline follows the same one of the other system, which has more, as many or fewer, on $name',
  async ({ create }) => {
    const [shopStorage, officeStorage] = [create(), create()];
    await using selling = await startShop(shopStorage, [0, 1, 2]);
    await selling.sell(1, 2, 3);
    {
      await using fewer = await startOffice(officeStorage, [1]);
      await fewer.untilBilled(3, [1]);
    }
    {
      await using same = await startOffice(officeStorage, [0, 1, 2]);
      await selling.sell(4);
      await same.untilBilled(4, [0, 1, 2]);
    }
    await using more = await startOffice(officeStorage, [0, 1, 2, 3]);
    await selling.sell(5);
    await more.untilBilled(5, [0, 1, 2]);
    await until('the status shows the missing pipeline', async () => {
      const rows = (await more.runner.status()).filter(
        ({ applicationName }) => applicationName === 'billing',
      );
      const interrupted = rows.filter(({ state }) => state === 'interrupted');
      const codes = interrupted.map(({ pipelineId, lastError }) => [
        pipelineId,
        (lastError as { code?: string })?.code,
      ]);
      return JSON.stringify(codes) === '[[3,"STORAGE_MISSING"]]';
    });
    expect(await more.billed(3)).toEqual([]);
    await selling.close();
    await using larger = await startShop(shopStorage, [0, 1, 2, 3]);
    await larger.sell(6);
    await until('the new pipeline is billed', async () => (await more.billed(3)).length === 1);
    await more.untilBilled(6, [0, 1, 2]);
    expect((await verify(officeStorage, office)).faults).toEqual([]);
  },
  120_000,
);

test('a runner with processes serves its own pipelines and those on record, and opens no others', async () => {
  const storage = temporarySqlite();
  await using runner = await MultiprocessRunner.start(shop, { storage, pipelineIds: [0, 2] });
  const handler = serveLogs(runner, options);
  const answerTo = async (path: string) => {
    const answer = await handler(new Request(`http://localhost/logs${path}`));
    const { head, error } = (await answer.json()) as Partial<LogDocument & ErrorDocument>;
    return [answer.status, head ?? error?.code];
  };
  const unknown = [404, 'UNKNOWN_LOG'];
  expect(await answerTo('/sales/5')).toEqual(unknown);
  await using elsewhere = await shop.open(Sales, { storage, pipelineId: 5 });
  await elsewhere.save(Sale.make(1));
  for (const [path, answer] of [
    ['/sales/0', [200, 0]],
    ['/sales/2', [200, 0]],
    ['/sales/5', [200, 1]],
    ['/sales/1', unknown],
    ['/sales/3', unknown],
    ['/sales/05', unknown],
    ['/sales/2147483647', unknown],
    ['/sales/2147483648', unknown],
    ['/sales/9999999999', unknown],
    ['/sales/-1', unknown],
    ['/sales/1.5', unknown],
    ['/sales/%30%20', unknown],
    ['/sales/1/sections/1,5', unknown],
    ['/sales/1/sections/current', unknown],
    ['/sales/1?waitMs=600000', unknown],
    ['/billing/0', unknown],
    ['/none/1', unknown],
  ] as const)
    expect([path, ...(await answerTo(path))]).toEqual([path, ...answer]);
});
