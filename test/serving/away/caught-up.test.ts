import { MultiThreadedRunner, run, System } from 'kahn';
import { serveLogs } from 'kahn/http';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { temporarySqlite } from '../../support/storages.ts';
import { inTime } from '../../support/until.ts';
import { TestServer } from '../test-server.ts';
import { Billing, Sale, Sales } from '../two-systems.ts';

const token = 'a-token-of-the-test';

// The module of the system reads them, also in threads.
const server = await TestServer.listen(afterAll);
process.env.KAHN_TEST_SALES_URL = server.url;
process.env.KAHN_TEST_TOKEN = token;
const { office } = await import('../office.ts');

test('caughtUp() waits while the server of an upstream is away, and processes what it serves then', async () => {
  const shop = await run(System.of([[Sales]], { name: 'shop' }));
  onTestFinished(() => shop.close());
  for (let amount = 1; amount <= 3; amount += 1) await shop.get(Sales).save(Sale.make(amount));
  await using runner = await MultiThreadedRunner.start(office, {
    storage: temporarySqlite(),
    pollIntervalMs: 50,
  });
  const caughtUp = runner.caughtUp({ signal: inTime() });
  await runner.status();
  server.handler = serveLogs(shop, { applications: [Sales], authorize: token });
  await caughtUp;
  expect(await runner.get(Billing).log.head()).toBe(3);
});
