import { InvalidIdError, nameId, newId } from 'kahn';
import { expect, test } from 'vitest';
import { causedId } from '../../src/util/ids.ts';

const cause = { originatorId: 'order-1', originatorVersion: 1, timestamp: Date.UTC(2026, 0, 1) };
const uuid = (version: number) =>
  new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`);

test('new ids are distinct and ordered by time', () => {
  const ids = Array.from({ length: 10_000 }, () => newId());
  expect(new Set(ids).size).toBe(10_000);
  expect(ids).toEqual([...ids].sort());
  expect(ids[0]).toMatch(uuid(7));
});

test('a name always has the same id, and another id in another namespace', () => {
  expect(nameId('airport', 'ABQ')).toBe(nameId('airport', 'ABQ'));
  expect(nameId('airport', 'ABQ')).toMatch(uuid(5));
  expect(nameId('airport', 'ABQ')).not.toBe(nameId('airport', 'ABE'));
  expect(nameId('airport', 'ABQ')).not.toBe(nameId('city', 'ABQ'));
  // The example of RFC 9562, appendix A.4: a namespace that is a UUID is taken as it is.
  expect(nameId('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
    '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  );
});

test.each<[unknown, unknown, string]>([
  [undefined, undefined, 'the namespace of nameId() to be a non-empty string, got undefined'],
  ['airport', undefined, 'the name of nameId() to be a non-empty string, got undefined'],
  ['airport', '', "the name of nameId() to be a non-empty string, got ''"],
  [1, 'ABQ', 'the namespace of nameId() to be a non-empty string, got 1'],
  ['airport', '\ud800', 'the name of nameId() to be a string without NUL characters and lone surrogates'],
])('nameId(%j, %j) is rejected', (namespace, name, message) => {
  const make = () => nameId(namespace as string, name as string);
  expect(make).toThrow(InvalidIdError);
  expect(make).toThrow(message);
});

test('a caused id depends only on cause, upstream, application and ordinal, and is ordered by the time of the cause', () => {
  const id = causedId(cause, 'orders', 'reservations', 1);
  expect(id).toMatch(uuid(7));
  expect(causedId({ ...cause }, 'orders', 'reservations', 1)).toBe(id);
  const others = [
    causedId({ ...cause, originatorId: 'order-2' }, 'orders', 'reservations', 1),
    causedId({ ...cause, originatorVersion: 2 }, 'orders', 'reservations', 1),
    causedId(cause, 'sales', 'reservations', 1),
    causedId(cause, 'orders', 'payments', 1),
    causedId(cause, 'orders', 'reservations', 2),
  ];
  expect(new Set([id, ...others]).size).toBe(6);
  const later = causedId({ ...cause, timestamp: cause.timestamp + 1 }, 'orders', 'reservations', 1);
  expect([...others, id].every((other) => other < later)).toBe(true);
});
