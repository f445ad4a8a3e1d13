import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { InvalidOptionError, InvalidStorageError, memory, run, System } from 'kahn';
import { ActorsMismatchError, EngineError, RestateRunner, RestateService } from 'kahn/restate';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { portOf } from '../../support/balancer.ts';
import { rejectionOf } from '../../support/errors.ts';
import { freePort } from '../../support/free-port.ts';
import { temporaryPostgres } from '../../support/postgres.ts';
import { freshName } from '../../support/postgres-server.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { RestateEngine } from '../../support/restate-engine.ts';
import { callsOf, serve, start, statesOf, urlOf } from '../../support/restate-shop.ts';
import { seed } from '../../support/seed.ts';

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** What a start with these URLs is refused with; a start afterwards finds the system free. */
async function refusal(
  { ingressUrl, adminUrl }: { readonly ingressUrl: string; readonly adminUrl: string },
  systemActorName = freshName('shop'),
  pipelineIds = [0],
) {
  const system = shop.bind(temporaryPostgres());
  const options = { ingressUrl, adminUrl, systemActorName, pipelineIds };
  const error = await rejectionOf(RestateRunner.start(system, options), EngineError);
  await (await run(system)).close();
  return error;
}

/** A port at which something answers every request with this. */
async function answering(body: string): Promise<string> {
  const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

describe('start() says', () => {
  test('that the engine cannot be reached, by which URL', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const { ingressUrl, adminUrl } = engine;
    for (const urls of [
      { ingressUrl, adminUrl: nowhere },
      { ingressUrl: nowhere, adminUrl },
    ]) {
      const error = await refusal(urls);
      expect(error).toMatchObject({ code: 'ENGINE_UNREACHABLE', url: nowhere });
      expect(error.message).toContain(`cannot be reached: connect ECONNREFUSED 127.0.0.1:${portOf(nowhere)}`);
    }
  });

  test('that its ports were mixed up, or something else is there', async () => {
    const { ingressUrl, adminUrl } = engine;
    const other = await answering('hello');
    for (const urls of [
      { ingressUrl: adminUrl, adminUrl: ingressUrl },
      { ingressUrl: adminUrl, adminUrl },
      { ingressUrl, adminUrl: other },
    ]) {
      expect(await refusal(urls)).toMatchObject({
        code: 'ENGINE_FOREIGN',
        message: expect.stringContaining('is no Restate engine, or another port of it'),
      });
    }
  });

  test('that the engine is too old', async () => {
    const adminUrl = await answering('{"version":"1.4.9"}');
    const error = await refusal({ ingressUrl: engine.ingressUrl, adminUrl });
    expect(error).toMatchObject({ code: 'ENGINE_TOO_OLD' });
    expect(error.message).toContain('has version 1.4.9, but kahn needs 1.5 or newer');
  });

  test('that no service is registered', async () => {
    const error = await refusal(engine);
    expect(error).toMatchObject({ code: 'SERVICE_NOT_REGISTERED' });
    expect(error.message).toContain('Start a RestateService of the system, and register it');
  });
});

test('whoever gives up starting, at any moment, leaves nothing of his own and disturbs nobody', {
  timeout: 90_000,
}, async () => {
  const random = randomNumbers(seed);
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const giveUp = (pipelineIds: readonly number[]) => {
    const signal = AbortSignal.timeout(Math.round(random() * 250));
    const options = { storage, systemActorName, pipelineIds, shutdownOnClose: true, signal };
    return start(engine, shop, options).then(
      (runner) => runner.close(),
      () => {},
    );
  };
  for (let i = 0; i < 12; i += 1) await giveUp([0, 1, 2, 3, i + 4]);
  await vi.waitFor(
    async () => expect(await callsOf(engine, systemActorName), `seed ${seed}`).toEqual([]),
    30_000,
  );
  expect(await statesOf(engine, systemActorName), `seed ${seed}`).toEqual([]);

  const options = { storage, systemActorName, shutdownOnClose: true };
  const runner = await start(engine, shop, options);
  for (let i = 0; i < 8; i += 1) {
    const signal = AbortSignal.timeout(Math.round(random() * 250));
    const joining = { ...options, shutdownOnClose: false, signal };
    await start(engine, shop, joining).then(
      (other) => other.close(),
      () => {},
    );
  }
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
});

test('without the admin port, a start says that no service is registered', async () => {
  const { ingressUrl } = engine;
  const options = { storage: temporaryPostgres(), ingressUrl, systemActorName: freshName('shop') };
  expect(await rejectionOf(RestateRunner.start(shop, options), EngineError)).toMatchObject({
    code: 'SERVICE_NOT_REGISTERED',
  });
});

test('requests carry headers, and no secret of theirs or of a URL is shown', async () => {
  const seen: unknown[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end('hello');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const adminUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const storage = temporaryPostgres();
  const headers = { authorization: 'Bearer s3cret' };
  await rejectionOf(RestateRunner.start(shop, { storage, adminUrl, headers }), EngineError);
  await using service = await RestateService.start(shop, { storage, port: 0 });
  await rejectionOf(service.register({ adminUrl, serviceUrl: urlOf(service), headers }), EngineError);
  expect(seen).toEqual(['Bearer s3cret', 'Bearer s3cret']);
  for (const wrong of [
    { adminUrl: 'http://ada:s3cret@engine:9070' },
    { ingressUrl: 'http://engine:8080?token=s3cret' },
    { headers: { authorization: 's3cret\n' } },
  ]) {
    const error = await rejectionOf(RestateRunner.start(shop, { storage, ...wrong }), InvalidOptionError);
    expect(inspect(error)).not.toContain('s3cret');
  }
});

test('memory is refused, where actors would have to open it', async () => {
  const storage = memory();
  const runner = await rejectionOf(RestateRunner.start(shop, { storage }), InvalidStorageError);
  expect(runner.message).toContain('where nobody can open its memory()');
  await rejectionOf(RestateService.start(shop, { storage, port: 0 }), InvalidStorageError);
  await rejectionOf(RestateService.start(shop, { port: 0 }), InvalidStorageError);
});

test('a system without a name is refused, lest it takes the actors of another one for its own', async () => {
  const storage = temporaryPostgres();
  const nameless = System.of([[Orders, Reservations, Orders]]);
  const hint = "give it one by System.of(..., { name: 'shop' }), or as systemActorName";
  await expect(RestateService.start(nameless, { storage, port: 0 })).rejects.toThrow(hint);
  await expect(RestateRunner.start(nameless, { storage })).rejects.toThrow(hint);
});

test('another system of the same name is refused when it is registered, unless it is forced', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  const options = { storage, systemActorName, port: 0, hostname: '127.0.0.1' };
  await using first = await RestateService.start(shop, options);
  await using second = await RestateService.start(System.of([[Orders, Reservations, Orders]]), options);
  const { adminUrl } = engine;
  await first.register({ adminUrl, serviceUrl: urlOf(first) });
  await first.register({ adminUrl, serviceUrl: urlOf(first) });
  const registration = { adminUrl, serviceUrl: urlOf(second) };
  const error = await rejectionOf(second.register(registration), ActorsMismatchError);
  expect(error.message).toContain(`knows a system '${systemActorName}' with other applications or events`);
  await second.register({ ...registration, force: true });
});

test('options that have no sense are refused', async () => {
  const storage = temporaryPostgres();
  const ofRunner: [object, string][] = [
    [{ batchSize: 10 }, 'batchSize is an option of RestateService, where the system is processed'],
    [
      { ingressUrl: 'engine:8080' },
      'ingressUrl must be a URL such as http://engine:8080, but is engine:8080',
    ],
    [{ adminUrl: 9070 }, 'adminUrl must be a URL such as http://engine:8080, but is 9070'],
    [{ systemActorName: '' }, 'systemActorName must not be empty'],
    [{ pipelineIds: [1, 1] }, 'pipelineIds must be an array of at least one id, each once'],
    [{ shutdownOnClose: 'yes' }, 'shutdownOnClose must be true or false, but is yes'],
    [{ poll: 1 }, "Unknown option 'poll' of RestateRunner.start()"],
  ];
  for (const [options, message] of ofRunner) {
    await expect(RestateRunner.start(shop, { storage, ...options }), message).rejects.toThrow(message);
  }
  const ofService: [object, string][] = [
    [{ batchSize: 0 }, 'batchSize must be a whole number from 1, but is 0'],
    [{ port: -1 }, 'port must be a whole number from 0, but is -1'],
    [{ port: 70_000 }, 'port must be at most 65535, but is 70000'],
    [{ hostname: 5 }, 'hostname must be a string, but is 5'],
    [{ drainTimeoutMs: 2 ** 33 }, 'drainTimeoutMs must be at most 2147483647'],
    [{ ports: 1 }, "A service has no option 'ports'"],
    [{ systemActorName: '' }, 'systemActorName must not be empty'],
  ];
  for (const [options, message] of ofService) {
    await expect(RestateService.start(shop, { storage, port: 0, ...options }), message).rejects.toThrow(
      message,
    );
  }
});

test('a service says why it cannot listen or be registered', async () => {
  const storage = temporaryPostgres();
  await using service = await RestateService.start(shop, { storage, port: 0 });
  await expect(RestateService.start(shop, { storage, port: service.port })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('EADDRINUSE'),
  });
  const own = urlOf(service);
  await expect(service.register({ serviceUrl: own } as never)).rejects.toThrow('adminUrl must be a URL');
  const foreign = service.register({ adminUrl: engine.ingressUrl, serviceUrl: own });
  await expect(foreign).rejects.toMatchObject({ code: 'ENGINE_FOREIGN' });
  const serviceUrl = `http://127.0.0.1:${await freePort()}`;
  const error = await rejectionOf(service.register({ adminUrl: engine.adminUrl, serviceUrl }), EngineError);
  expect(error).toMatchObject({ code: 'ENGINE_FAILED' });
  expect(error.message).toContain(serviceUrl);
  await service.close();
  await service.close();
});
