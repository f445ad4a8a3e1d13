import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import {
  explain,
  MultiprocessRunner,
  MultiThreadedRunner,
  run,
  SingleThreadedRunner,
  System,
  verify,
} from 'kahn';
import { remote, serveLogs } from 'kahn/http';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { temporarySqlite } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { until } from '../../support/until.ts';
import { TestServer } from '../test-server.ts';
import { Billing, Sale, Sales } from '../two-systems.ts';

const token = 'a-token-of-the-test';
const headers = { authorization: `Bearer ${token}` };

// Accepts connections and never answers. The module of the system reads its address, also in threads and processes.
const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
await once(silent, 'listening');
afterAll(() => void silent.close());
const silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/logs`;
process.env.KAHN_TEST_AWAY_URL = silentUrl;
const { office, OwnSales } = await import('./away-office.ts');

test.each(byTier([SingleThreadedRunner], [SingleThreadedRunner, MultiThreadedRunner, MultiprocessRunner]))(
  '%o starts and processes its own logs while a server never answers',
  async (Runner) => {
    await using runner = await Runner.start(office, { storage: temporarySqlite(), pollIntervalMs: 50 });
    const saved = await runner.get(OwnSales).save(Sale.make(1));
    await runner.settled(saved);
    expect(await runner.get(OwnSales).log.head()).toBe(2); // made and billed
    let shown: unknown;
    await until('the status shows it', async () => {
      const { state, lastError, upstreams } = (await runner.status()).find(
        (one) => one.applicationName === 'billing',
      )!;
      shown = [state, upstreams.map(({ upstreamName, lag }) => [upstreamName, lag])];
      return state === 'interrupted' && String(lastError).includes(`${silentUrl}/sales`);
    });
    expect(shown).toEqual(['interrupted', [['own-sales', 0]]]);
    expect((await verify(runner.storage, office)).faults).toEqual([]);
  },
  60_000,
);

/** Starts a shop, and an office that has billed some of its sales. */
async function billed(count: number) {
  const server = await TestServer.listen();
  const shop = await run(System.of([[Sales]], { name: 'shop' }));
  onTestFinished(() => shop.close());
  const sell = () => shop.get(Sales).save(Sale.make(1));
  for (let sold = 0; sold < count; sold += 1) await sell();
  const handler = serveLogs(shop, { applications: [Sales], authorize: token });
  server.handler = handler;
  return { server, handler, sell, url: server.url };
}

test('explain() shows what is on record while a server is away, and names its application', async () => {
  const { server, url } = await billed(1);
  const system = System.of([[remote(Sales, { system: 'shop', url, headers }), Billing]]);
  await using runner = await run(system, { pollIntervalMs: 20 });
  await until('it is billed', async () => (await runner.get(Billing).log.head()) === 1);
  expect((await explain(runner, Billing, 1)).causes).toHaveLength(1);
  server.handler = undefined; // answers 503
  const { event, causes, origin, ...others } = await explain(runner, Billing, 1);
  expect([event.type, causes]).toEqual(['Bill.Written', []]);
  const next = { applicationName: 'sales@shop', pipelineId: 0, notificationId: 1 };
  expect(origin).toEqual({ kind: 'unreachable', next });
  expect(others.cuts).toEqual([]);
  expect(String(await explain(runner, Billing, 1))).toContain(
    'sales@shop 1, unreachable: the other system cannot be asked now',
  );
});

test('an application begins at the end of a log whose server was away at the start', async () => {
  const { server, handler, sell, url } = await billed(3);
  server.handler = undefined;
  class LateBilling extends Billing {
    static readonly begins = 'end';
  }
  const system = System.of([[remote(Sales, { system: 'shop', url, headers }), LateBilling]]);
  await using runner = await run(system, { pollIntervalMs: 20 });
  const position = async () => {
    const found = (await runner.status()).find(({ applicationName }) => applicationName === 'billing')!;
    return found.upstreams[0]?.position;
  };
  expect(await position()).toBeUndefined();
  server.handler = handler;
  await until('it has begun', async () => (await position()) === 3);
  await sell();
  await until('it is billed', async () => (await runner.get(LateBilling).log.head()) === 1);
});

test('the types in the log of another system are not counted', async () => {
  const { url } = await billed(1);
  const system = System.of([[remote(Sales, { system: 'shop', url, headers }), Billing]]);
  await using runner = await run(system, { undeclaredEvents: 'refuse', storage: temporarySqlite() });
  await until('it is billed', async () => (await runner.get(Billing).log.head()) === 1);
});
