import { MultiprocessRunner, MultiThreadedRunner, run, System, verify } from 'kahn';
import { serveLogs } from 'kahn/http';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { storages } from '../support/storages.ts';
import { byTier } from '../support/tier.ts';
import { until } from '../support/until.ts';
import { TestServer } from './test-server.ts';
import { Billing, Sale, Sales } from './two-systems.ts';

const token = 'a-token-of-the-test';
const count = byTier(40, 400);

// The module of the system reads them, also in threads and processes.
const server = await TestServer.listen(afterAll);
process.env.KAHN_TEST_SALES_URL = server.url;
process.env.KAHN_TEST_TOKEN = token;
const { office } = await import('./office.ts');

test.each([
  ['threads', MultiThreadedRunner, 'sqlite'],
  ['processes', MultiprocessRunner, 'sqlite'],
  ['processes', MultiprocessRunner, 'postgres'],
] as const)(
  'a system of %s follows another one while servers, services and connections end',
  async (_name, Runner, kind) => {
    const storage = storages.find(({ name }) => name === kind)!.create();
    const shop = System.of([[Sales]], { name: 'shop' }).bind(storages[1]!.create());
    let selling = await run(shop);
    onTestFinished(() => selling.close());
    const serve = () => {
      server.handler = serveLogs(selling, { applications: [Sales], authorize: token });
    };
    serve();
    let billing = await Runner.start(office, { storage, pollIntervalMs: 200 });
    onTestFinished(() => billing.close());
    for (let amount = 0; amount < count; amount += 1) {
      await selling.get(Sales).save(Sale.make(amount));
      if (amount % 7 === 3) server.cut();
      if (amount % 20 === 11) {
        server.handler = undefined; // answers 503
        await selling.close();
        selling = await run(shop);
        serve();
      }
      if (amount % 20 === 17) {
        await billing.close();
        billing = await Runner.start(office, { storage, pollIntervalMs: 200 });
      }
    }
    await until('all are billed', async () => (await billing.get(Billing).log.head()) >= count);
    const amounts: number[] = [];
    for await (const { event } of billing.get(Billing).reader()) amounts.push(event.data.amount);
    expect(amounts).toEqual(Array.from({ length: count }, (_, amount) => amount));
    await billing.close();
    expect((await verify(storage, office)).faults).toEqual([]);
  },
  240_000,
);
