import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { AggregateNotFoundError } from '../../src/application/errors.ts';
import { PolicyError } from '../../src/application/following-errors.ts';
import { ResourceError } from '../../src/application/resources/errors.ts';
import { remoteLocation, unreachable } from '../../src/storage/remote/errors.ts';
import { failureTextOf, KahnError, kindOf, messageOf } from '../../src/util/errors.ts';
import { portable, RemoteError } from '../../src/util/portable-error.ts';
import { freePort } from '../support/servers/free-port.ts';

test('an error carries the fields that its class declares', () => {
  const error = new AggregateNotFoundError('orders', 'Order', 'o-1');
  expect(error).toMatchObject({
    name: 'AggregateNotFoundError',
    code: 'AGGREGATE_NOT_FOUND',
    applicationName: 'orders',
    originatorId: 'o-1',
  });
  expect(Object.hasOwn(error, 'cause')).toBe(false);
});

test('an error keeps its fields and its cause across threads', () => {
  const failed = {
    applicationName: 'orders',
    upstreamName: 'payments',
    pipelineId: 0,
    notificationId: 7,
    eventType: 'Payment.Made',
    originatorId: 'p-1',
  };
  const error = new PolicyError(failed, new RangeError('too much'));
  const remote = new RemoteError(structuredClone(portable(error)));
  expect(remote).toMatchObject({ ...failed, name: 'PolicyError', code: 'POLICY_FAILED' });
  expect(remote.cause).toMatchObject({ name: 'RangeError', message: 'too much' });
});

class Odd extends KahnError {
  override readonly code = 'ODD';
}

const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const withoutPrototype = new Proxy(new Error('shown'), {
  getPrototypeOf: () => raise(),
  ownKeys: () => raise(),
  get: () => raise(),
});
const unreadable = Object.defineProperty(new Error('shown'), 'message', { get: raise });

test.each([
  ['a revoked proxy', revoked, /Revoked Proxy/],
  ['a proxy that throws', withoutPrototype, /./],
  ['an error whose message throws', unreadable, /^A value was thrown that cannot be shown\.$/],
  [
    'an error whose message is a symbol',
    Object.assign(new Error(), { message: Symbol('odd') }),
    /^Symbol\(odd\)$/,
  ],
  ['undefined', undefined, /^undefined was thrown$/],
  ['null', null, /^null was thrown$/],
  ['a string', 'gone', /^'gone'$/],
  [
    'an error with a code only',
    Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
    /^ECONNREFUSED$/,
  ],
  ['an error with a name only', new RangeError(), /^RangeError$/],
  ['an error of another realm', runInNewContext("new RangeError('far')"), /^far$/],
])('a message names %s', (_, thrown, message) => {
  expect(messageOf(thrown)).toMatch(message);
  const error = new Odd('odd', { cause: thrown });
  expect(() => error.cause instanceof Error).not.toThrow();
  const copy = portable(error);
  expect(structuredClone(copy)).toEqual(copy);
  expect(kindOf(thrown)).toEqual(expect.any(String));
});

test.each(['localhost', '127.0.0.1'])('a failed request to %s names its cause', async (host) => {
  const error = await fetch(`http://${host}:${await freePort()}`).catch((thrown: unknown) => thrown);
  expect(messageOf(error)).toBe('fetch failed');
  expect(failureTextOf(error)).toContain('ECONNREFUSED');
  expect(new ResourceError('mail', 'opened', error).message).toContain('ECONNREFUSED');
  const { message } = unreachable(remoteLocation('orders', 'http://orders.example'), error);
  expect(message).toMatch(/the server did not answer \(.*ECONNREFUSED.*\)\.$/);
});

function raise(): never {
  throw new Error('not now');
}
