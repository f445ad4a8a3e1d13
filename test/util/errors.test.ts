import { expect, test } from 'vitest';
import { AggregateNotFoundError, PolicyError } from '../../src/application/errors.ts';
import { portable, RemoteError } from '../../src/util/portable-error.ts';

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
