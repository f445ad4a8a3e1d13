import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { InvalidOptionError } from 'kahn';
import { EngineError, type RestateMessage, RestateService } from 'kahn/restate';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { serve, start } from '../../support/servers/restate-shop.ts';
import { temporaryDirectory } from '../../support/storages.ts';

/** Messages of the SDK until the end of the test. */
function sdkMessages(): RestateMessage[] {
  const seen: RestateMessage[] = [];
  const note = (message: unknown) => void seen.push(message as RestateMessage);
  subscribe('kahn:restate', note);
  onTestFinished(() => void unsubscribe('kahn:restate', note));
  return seen;
}

/** Lines written to the console until the end of the test. */
function consoleLines(): unknown[] {
  const lines: unknown[] = [];
  for (const level of ['debug', 'info', 'log', 'trace', 'warn', 'error'] as const) {
    const spy = vi.spyOn(console, level).mockImplementation((...parts) => void lines.push(parts));
    onTestFinished(() => spy.mockRestore());
  }
  return lines;
}

/** A public key in the format of an engine, base 58. */
function formatted(publicKey: KeyObject): string {
  const digits = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  const bytes = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  let text = '';
  for (let rest = BigInt(`0x${bytes.toString('hex')}`); rest > 0n; rest /= 58n) {
    text = `${digits[Number(rest % 58n)]}${text}`;
  }
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return `publickeyv1_${'1'.repeat(zeros)}${text}`;
}

test('a service with the key of its engine rejects other engines, and reports the rejection', async () => {
  const [own, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const file = `${temporaryDirectory()}/engine.pem`;
  writeFileSync(file, own.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  await using engine = await RestateEngine.start(1, { RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: file });
  await using stranger = await RestateEngine.start();
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  const lines = consoleLines();
  const messages = sdkMessages();
  const identityKeys = [formatted(other.publicKey), formatted(own.publicKey)];
  const service = await serve(engine, shop, { storage, systemActorName, identityKeys });
  const options = { storage, systemActorName, shutdownOnClose: true };
  const runner = await start(engine, shop, options);
  const id = await runner.get(Orders).place('ada');
  await runner.caughtUp();
  expect((await runner.get(Orders).get(id)).done).toBe(true);
  expect(messages).toEqual([]);

  const registration = { adminUrl: stranger.adminUrl, serviceUrl: `http://127.0.0.1:${service.port}` };
  const error = await rejectionOf(service.register(registration), EngineError);
  expect(error.message).toContain('401');
  expect(messages).toContainEqual({
    level: 'error',
    message: expect.stringContaining('Rejecting request'),
    target: undefined,
  });
  expect(lines).toEqual([]);
  await runner.close(); // needs the engine, so before it
});

test('rejects invalid keys and an empty list of keys', async () => {
  const storage = temporaryPostgres();
  for (const wrong of [[], ['publickeyv1_x'], ['secret'], 'publickeyv1_x', [1]]) {
    const options = { storage, port: 0, identityKeys: wrong as string[] };
    const error = await rejectionOf(RestateService.start(shop, options), InvalidOptionError);
    expect(error.message).toContain('identityKeys');
  }
});
