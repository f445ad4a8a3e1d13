import { InvalidApplicationError, System } from 'kahn';
import { expect, test } from 'vitest';
import { Labels, Parcels } from '../../support/systems/parking/parcel-desk.ts';

test.each([
  [{ errorRules: {} }, /'static readonly errorRules' of class Bad to be an array/],
  [{ errorRules: [{ action: 'skip' }] }, /'action' of rule 1 of .* to be 'park' or 'stop', got 'skip'/],
  [{ errorRules: [{}, { error: class Other {} }] }, /'error' of rule 2 of .* a class that extends Error/],
  [{ errorRules: [{ retry: { times: 0 } }] }, /'times' of 'retry' of rule 1 .* an integer >= 1, got 0/],
  [
    { errorRules: [{ retry: { times: 1, firstMs: 60_000, maxMs: 30_000 } }] },
    /'firstMs' of 'retry' of rule 1 .* at most 'maxMs', which is 30000/,
  ],
  [
    { errorRules: [{ action: 'park' }, { error: TypeError }] },
    /Rule 1 .* applies to all errors and rule 2 to none/,
  ],
  [
    { errorRule: [] },
    /Class Bad has a static property 'errorRule', which nothing reads. Did you mean 'errorRules'/,
  ],
  [{ handlerTimeoutMS: 5 }, /Did you mean 'handlerTimeoutMs'/],
  [{ parking: { limit: 0 } }, /'limit' of 'static readonly parking' of class Bad/],
  [{ handlerTimeoutMs: 0 }, /'static readonly handlerTimeoutMs' of class Bad to be an integer/],
])('%o is refused when the system is defined', (statics, message) => {
  class Bad extends Labels {}
  Object.assign(Bad, statics);
  const define = () => System.of([[Parcels, Bad]]);
  expect(define).toThrow(InvalidApplicationError);
  expect(define).toThrow(message);
});

test('static properties of the application itself are none of the checks', () => {
  class Own extends Labels {
    static readonly emitted = new Set<string>();
    static readonly table = 'labels';
    static row() {}
  }
  expect(() => System.of([[Parcels, Own]])).not.toThrow();
});
