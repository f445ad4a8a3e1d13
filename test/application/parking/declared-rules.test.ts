import { InvalidApplicationError, System } from 'kahn';
import { expect, test } from 'vitest';
import { Labels, Parcels } from '../../support/systems/parking/parcel-desk.ts';

test.each([
  [{ errorRules: {} }, /'static readonly errorRules' of class Bad to be an array/],
  [{ errorRules: [{ action: 'skip' }] }, /'action' of rule 1 of .* to be 'park' or 'stop', got 'skip'/],
  [{ errorRules: [{}, { error: class Other {} }] }, /'error' of rule 2 of .* a class that extends Error/],
  [{ errorRules: [{ retry: { times: 0 } }] }, /'times' of 'retry' of rule 1 .* an integer >= 1, got 0/],
  [{ parking: { limit: 0 } }, /'limit' of 'static readonly parking' of class Bad/],
  [{ handlerTimeoutMs: 0 }, /'static readonly handlerTimeoutMs' of class Bad to be an integer/],
])('%o is refused when the system is defined', (statics, message) => {
  class Bad extends Labels {}
  Object.assign(Bad, statics);
  const define = () => System.of([[Parcels, Bad]]);
  expect(define).toThrow(InvalidApplicationError);
  expect(define).toThrow(message);
});
