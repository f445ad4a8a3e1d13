import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Orders } from '../../../../examples/shop/orders.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import { actorNames } from '../../../../src/actors/restate/protocol/actor-names.ts';
import { temporaryPostgres } from '../../../support/servers/postgres.ts';
import { freshName } from '../../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../../support/servers/restate-engine.ts';
import { serve, start } from '../../../support/servers/restate-shop.ts';
import { patient } from '../../../support/until.ts';

const never = 2 ** 30;

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

async function startShop() {
  const systemActorName = freshName('shop');
  const storage = temporaryPostgres();
  await serve(engine, shop, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: never };
  const runner = await start(engine, shop, { ...options, shutdownOnClose: true });
  const join = () => start(engine, shop, options);
  const names = actorNames(systemActorName);
  /** Calls a handler through the public ingress of the engine; resolves with the HTTP status. */
  const call = async (service: keyof typeof names, key: string, handler: string, message: unknown) => {
    const response = await fetch(`${engine.ingressUrl}/${names[service]}/${key}/${handler}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message) ?? null,
    });
    await response.text();
    return response.status;
  };
  const assertWorks = async (customer: string) => {
    const id = await runner.get(Orders).place(customer);
    await runner.caughtUp();
    expect((await runner.get(Orders).get(id)).done).toBe(true);
    const states = async () => (await runner.status()).map(({ state }) => state);
    await vi.waitFor(async () => expect(await states()).toEqual(['idle', 'idle', 'idle']), patient);
  };
  return { call, join, assertWorks };
}

test('a prompt that is malformed is refused at once, and a prompt that is wrong stops nothing', async () => {
  const { call, assertWorks } = await startShop();
  const prompt = (message: unknown) => call('pipeline', '0', 'prompt', message);
  const malformed = [
    { applicationName: 'orders', head: 1e308 },
    { applicationName: 'orders', head: -1 },
    { applicationName: 'orders', head: 1.5 },
    { applicationName: 'orders', head: '7' },
    { applicationName: 'orders' },
    { applicationName: 7, head: 1 },
    [],
    null,
    'orders',
  ];
  for (const message of malformed) expect(await prompt(message)).toBe(400);
  await assertWorks('ada');
  for (const head of [1_000_000, Number.MAX_SAFE_INTEGER])
    expect(await prompt({ applicationName: 'orders', head })).toBe(200);
  for (const applicationName of ['strangers', '__proto__', 'constructor'])
    expect(await prompt({ applicationName, head: 1 })).toBe(200);
  await assertWorks('grace');
});

test('a start or a take-back that is malformed is refused at once, and changes nothing', async () => {
  const { call, join, assertWorks } = await startShop();
  await join(); // from now on, no runner can take the start back
  for (const message of [null, [], {}, 'start', { callerId: 'me' }, { callerId: 'me', pipelineIds: ['0'] }])
    expect(await call('system', 'system', 'start', message)).toBe(400);
  for (const message of [null, {}, { callerId: 7 }])
    expect(await call('system', 'system', 'takeBack', message)).toBe(400);
  await assertWorks('ada');
});

test('calls that only actors make are refused', async () => {
  const { call, assertWorks } = await startShop();
  const internal = [
    ['system', 'system', 'stop'],
    ['pipeline', '0', 'start'],
    ['pipeline', '0', 'stop'],
    ['coordinator', '0%2Forders', 'prompt'],
    ['worker', '0%2Forders', 'process'],
  ] as const;
  for (const [service, key, handler] of internal)
    expect(await call(service, key, handler, {}), `${service}.${handler}`).toBeGreaterThanOrEqual(400);
  await assertWorks('ada');
});
