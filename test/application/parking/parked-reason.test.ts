import { expect, test } from 'vitest';
import { parkedReasonOf, reasonOfFailure } from '../../../src/application/parking/parked-reason.ts';

const messageOf = (error: unknown) => parkedReasonOf(reasonOfFailure(error)).error?.message;

test('the reason of a parked notification has the messages of causes, as of a failed request', () => {
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:9');
  expect(messageOf(new TypeError('fetch failed', { cause: refused }))).toBe(
    'fetch failed: connect ECONNREFUSED 127.0.0.1:9',
  );
});

test('the reason of a parked notification does not repeat what its error says', () => {
  const cause = new Error('no such table');
  expect(messageOf(new Error('The rows failed: no such table.', { cause }))).toBe(
    'The rows failed: no such table.',
  );
});
