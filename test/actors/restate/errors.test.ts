import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { InvalidOptionError, InvalidStorageError, memory, System } from 'kahn';
import { ActorsMismatchError, EngineError, RestateRunner, RestateService } from 'kahn/restate';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { portOf } from '../../support/servers/balancer.ts';
import { freePort } from '../../support/servers/free-port.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { startError, urlOf } from '../../support/servers/restate-shop.ts';

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** The URL of a server that answers every request with this body. */
async function answering(body: string): Promise<string> {
  const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

describe('start() reports', () => {
  test('an engine that cannot be reached, with its URL', async () => {
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const { ingressUrl, adminUrl } = engine;
    for (const urls of [
      { ingressUrl, adminUrl: nowhere },
      { ingressUrl: nowhere, adminUrl },
    ]) {
      const error = await startError(urls);
      expect(error).toMatchObject({ code: 'ENGINE_UNREACHABLE', url: nowhere });
      expect(error.message).toContain(`cannot be reached: connect ECONNREFUSED 127.0.0.1:${portOf(nowhere)}`);
    }
  });

  test('swapped ports, and servers that are not an engine', async () => {
    const { ingressUrl, adminUrl } = engine;
    const other = await answering('hello');
    for (const urls of [
      { ingressUrl: adminUrl, adminUrl: ingressUrl },
      { ingressUrl: adminUrl, adminUrl },
      { ingressUrl, adminUrl: other },
    ]) {
      expect(await startError(urls)).toMatchObject({
        code: 'ENGINE_FOREIGN',
        message: expect.stringContaining('is not a Restate engine, or this is the wrong port of it'),
      });
    }
  });

  test('an engine that is too old', async () => {
    const adminUrl = await answering('{"version":"1.4.9"}');
    const error = await startError({ ingressUrl: engine.ingressUrl, adminUrl });
    expect(error).toMatchObject({ code: 'ENGINE_TOO_OLD' });
    expect(error.message).toContain('has version 1.4.9, but kahn needs 1.5 or newer');
  });

  test('a service that is not registered', async () => {
    const error = await startError(engine);
    expect(error).toMatchObject({ code: 'SERVICE_NOT_REGISTERED' });
    expect(error.message).toContain('Start a RestateService of the system, and register it');
  });
});

test('without an admin URL, a start reports that no service is registered', async () => {
  const { ingressUrl } = engine;
  const options = { storage: temporaryPostgres(), ingressUrl, systemActorName: freshName('shop') };
  expect(await rejectionOf(RestateRunner.start(shop, options), EngineError)).toMatchObject({
    code: 'SERVICE_NOT_REGISTERED',
  });
});

test('requests carry the headers, and errors show no secret of headers or URLs', async () => {
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

test('rejects memory(), which the processes of the actors could not open', async () => {
  const storage = memory();
  const runner = await rejectionOf(RestateRunner.start(shop, { storage }), InvalidStorageError);
  expect(runner.message).toContain('memory() is on the heap of this process');
  await rejectionOf(RestateService.start(shop, { storage, port: 0 }), InvalidStorageError);
  await rejectionOf(RestateService.start(shop, { port: 0 }), InvalidStorageError);
});

test('rejects a system without a name, which would share its actors with other systems', async () => {
  const storage = temporaryPostgres();
  const nameless = System.of([[Orders, Reservations, Orders]]);
  const hint = "name the system with System.of(..., { name: 'shop' }), or pass 'systemActorName'";
  await expect(RestateService.start(nameless, { storage, port: 0 })).rejects.toThrow(hint);
  await expect(RestateRunner.start(nameless, { storage })).rejects.toThrow(hint);
});

test('registering another system of the same name is rejected without force', async () => {
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

test('rejects invalid options', async () => {
  const storage = temporaryPostgres();
  const ofRunner: [object, string][] = [
    [{ useDirectQueryIfAvailable: false }, "'useDirectQueryIfAvailable' belongs to RestateService.start()"],
    [{ batchSize: 10 }, "Option 'batchSize' belongs to RestateService.start()"],
    [
      { ingressUrl: 'engine:8080' },
      "Expected option 'ingressUrl' of RestateRunner.start() to be an HTTP URL",
    ],
    [{ adminUrl: 9070 }, "Expected option 'adminUrl' of RestateRunner.start() to be an HTTP URL"],
    [{ systemActorName: '' }, "option 'systemActorName' of RestateRunner.start() to be a non-empty string"],
    [{ pipelineIds: [1, 1] }, "option 'pipelineIds' of RestateRunner.start() to be an array of distinct"],
    [{ shutdownOnClose: 'yes' }, "'shutdownOnClose' of RestateRunner.start() to be true or false, got 'yes'"],
    [{ headers: { 'a b': 'c' } }, "option 'headers' of RestateRunner.start() to be an object of HTTP header"],
    [{ pollInterval: 1 }, "Did you mean 'pollIntervalMs'?"],
  ];
  for (const [options, message] of ofRunner) {
    await expect(RestateRunner.start(shop, { storage, ...options }), message).rejects.toThrow(message);
  }
  const ofService: [object, string][] = [
    [{ batchSize: 0 }, "Expected option 'batchSize' of RestateService.start() to be an integer >= 1, got 0"],
    [{ port: -1 }, 'to be an integer from 0 to 65535, got -1'],
    [{ port: 70_000 }, 'to be an integer from 0 to 65535, got 70000'],
    [{ hostname: 5 }, "option 'hostname' of RestateService.start() to be a string, got 5"],
    [{ drainTimeoutMs: 2 ** 33 }, 'to be an integer from 0 to 2147483647'],
    [{ ports: 1 }, "Unknown option 'ports' of RestateService.start(). Did you mean 'port'?"],
    [{ systemActorName: '' }, "option 'systemActorName' of RestateService.start() to be a non-empty string"],
  ];
  for (const [options, message] of ofService) {
    await expect(RestateService.start(shop, { storage, port: 0, ...options }), message).rejects.toThrow(
      message,
    );
  }
});

test('a service reports why it cannot listen or be registered', async () => {
  const storage = temporaryPostgres();
  await using service = await RestateService.start(shop, { storage, port: 0 });
  await expect(RestateService.start(shop, { storage, port: service.port })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('EADDRINUSE'),
  });
  const own = urlOf(service);
  await expect(service.register({ serviceUrl: own } as never)).rejects.toThrow(
    "option 'adminUrl' of RestateService.register() to be an HTTP URL",
  );
  const foreign = service.register({ adminUrl: engine.ingressUrl, serviceUrl: own });
  await expect(foreign).rejects.toMatchObject({ code: 'ENGINE_FOREIGN' });
  const serviceUrl = `http://127.0.0.1:${await freePort()}`;
  const error = await rejectionOf(service.register({ adminUrl: engine.adminUrl, serviceUrl }), EngineError);
  expect(error).toMatchObject({ code: 'ENGINE_FAILED' });
  expect(error.message).toContain(serviceUrl);
  await service.close();
  await service.close();
});
