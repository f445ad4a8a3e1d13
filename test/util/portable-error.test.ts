import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { portable, RemoteError } from '../../src/util/portable-error.ts';

test('converts an error whose fields throw when they are read', () => {
  const error = Object.defineProperties(Object.assign(new RangeError('too far'), { code: 'FAR', km: 7 }), {
    lazy: { enumerable: true, get: () => raise('not now') },
    cause: { get: () => raise('no cause') },
  });
  expect(portable(error)).toMatchObject({
    name: 'RangeError',
    message: 'too far',
    fields: { code: 'FAR', km: 7 },
    cause: undefined,
  });
  const nested = Object.defineProperty({}, 'lazy', { enumerable: true, get: () => raise('not now') });
  expect(portable(Object.assign(new Error('a'), { nested })).fields).toEqual({});
});

test('converts messages, names and stacks that are not strings', () => {
  const error = Object.assign(new Error(), { message: Symbol('odd'), name: 5, stack: {} });
  const copy = portable(error);
  expect(copy).toMatchObject({ name: '5', message: 'Symbol(odd)', stack: '[object Object]' });
  expect(structuredClone(copy)).toEqual(copy);
  expect(new RemoteError(copy).message).toBe('Symbol(odd)');
  const bare = Object.assign(new Error(), { message: Object.create(null) });
  expect(portable(bare)).toMatchObject({ name: 'Error', message: '' });
  const shy = { [inspect.custom]: () => raise('not now') };
  expect(portable(shy).message).toBe('A value was thrown that cannot be shown.');
});

test('names an error after its class if neither states a name', () => {
  class Jammed extends Error {}
  class Torn extends TypeError {}
  class Named extends Error {
    override readonly name: string = 'Renamed';
  }
  class Shared extends Error {}
  Shared.prototype.name = 'Common';
  class Derived extends Shared {}
  const Anonymous = (() => class extends RangeError {})();
  const errors = [Jammed, Torn, Named, Shared, Derived, Anonymous, TypeError, Error].map(
    (type) => new type(),
  );
  errors.push(new AggregateError([]), new DOMException('ended', 'AbortError'));
  expect(errors.map((error) => portable(error).name)).toEqual([
    'Jammed',
    'Torn',
    'Renamed',
    'Common',
    'Common',
    'RangeError',
    'TypeError',
    'Error',
    'AggregateError',
    'AbortError',
  ]);
});

test('shortens texts that are too long for a message', () => {
  const long = 'x'.repeat(1_000_000);
  const error = Object.assign(new Error(long), { code: long, nested: { path: long }, km: 7 });
  const copy = portable(error);
  expect(JSON.stringify(copy).length).toBeLessThan(500_000);
  expect(copy.fields).toMatchObject({ km: 7, nested: { path: expect.stringMatching(/^x{100000} … /) } });
  expect(portable(long).message.length).toBeLessThan(110_000);
});

test('keeps lists of texts and of plain objects, up to a size', () => {
  const issues = [{ path: 'a', message: 'x'.repeat(2_000) }, { path: 'b' }];
  const error = Object.assign(new Error('many'), {
    issues,
    types: ['A', 'B@2'],
    nested: [['A']],
    long: new Array(1_000).fill('x'),
  });
  expect(portable(error).fields).toEqual({
    issues: [{ path: 'a', message: `${'x'.repeat(1_000)} … (2000 characters)` }, { path: 'b' }],
    types: ['A', 'B@2'],
  });
});

test('includes the errors inside an error in its message', () => {
  const refused = new AggregateError([new Error('refused by ::1'), new Error('refused by 127.0.0.1')]);
  expect(portable(refused).message).toBe('refused by ::1; refused by 127.0.0.1');
  const both = new SuppressedError(new Error('closing failed'), new Error('so did the work'), 'twice');
  expect(portable(both).message).toBe('twice; closing failed; suppressed: so did the work');
  expect(portable(new Error('plain')).message).toBe('plain');
});

function raise(message: string): never {
  throw new Error(message);
}
