import { explain, run, System, type SystemRunner, verify } from 'kahn';
import { remote, serveLogs } from 'kahn/http';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { TestServer } from '../../../serving/test-server.ts';
import { Billing, Sale, Sales } from '../../../serving/two-systems.ts';
import { RestateEngine } from '../../../support/servers/restate-engine.ts';
import { startOnRestate } from '../../../support/servers/restate-runner.ts';
import { temporarySqlite } from '../../../support/storages.ts';
import { inTime, until } from '../../../support/until.ts';

const never = 2 ** 30;

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Waits until no actor has anything left to read. */
function untilIdle(runner: SystemRunner<never>): Promise<void> {
  return until('the actors are idle', async () =>
    (await runner.status()).every(
      ({ state, upstreams }) => state === 'idle' && upstreams.every(({ lag }) => lag === 0),
    ),
  );
}

test('actors follow the log of another system, whose server goes and comes, exactly once and in order', async () => {
  const server = await TestServer.listen();
  const shop = await run(System.of([[Sales]], { name: 'shop' }), { storage: temporarySqlite() });
  onTestFinished(() => shop.close());
  const handler = serveLogs(shop, { applications: [Sales], authorize: () => true });
  let sold = 0;
  const sell = async (count: number) => {
    for (const last = sold + count; sold < last; sold += 1) await shop.get(Sales).save(Sale.make(sold + 1));
  };
  const office = System.of([[remote(Sales, { system: 'shop', url: server.url }), Billing]], {
    name: 'office',
  });
  const storage = temporarySqlite();
  // Prompts alone make the actors read.
  const options = { storage, batchSize: 3, pollIntervalMs: never };
  await sell(7);
  {
    await using runner = await startOnRestate(engine, office, options); // while the server is away
    const billing = runner.get(Billing);
    await until('the status shows it', async () => {
      const [row] = (await runner.status()).filter(({ applicationName }) => applicationName === 'billing');
      return row?.state === 'interrupted' && String(row.lastError).includes(server.url);
    });
    server.handler = handler;
    await runner.caughtUp({ signal: inTime() }); // the server has just come back
    expect(await billing.log.head()).toBe(7);
    await sell(3);
    await until('what is sold is billed', async () => (await billing.log.head()) === 10);
    await untilIdle(runner);
    server.handler = undefined; // answers 503
    server.cut();
    await sell(5);
    const caughtUp = runner.caughtUp({ signal: inTime() });
    await runner.status();
    server.handler = handler;
    await caughtUp;
    expect(await billing.log.head()).toBe(15);
  }
  await sell(4);
  await using runner = await startOnRestate(engine, office, options);
  const billing = runner.get(Billing);
  await until('all are billed', async () => (await billing.log.head()) === sold);
  const amounts: number[] = [];
  for await (const { event } of billing.reader()) amounts.push(event.data.amount);
  expect(amounts).toEqual(Array.from({ length: sold }, (_, i) => i + 1));
  expect((await verify(storage, office)).faults).toEqual([]);
  const { causes } = await explain(runner, Billing, sold);
  expect(causes.map(({ applicationName, notificationId }) => [applicationName, notificationId])).toEqual([
    ['sales@shop', sold],
  ]);
});
