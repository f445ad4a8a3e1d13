import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidOptionError, run, type StorageDescription, System, UnknownApplicationError } from 'kahn';
import {
  type ErrorDocument,
  type LogDocument,
  type LogHandler,
  nodeListener,
  remote,
  type SectionDocument,
  type ServeLogsOptions,
  serveLogs,
} from 'kahn/http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { storages } from '../support/storages.ts';
import { Click, Clicks, Counters } from '../support/systems/clicks.ts';
import { until } from '../support/until.ts';

class Keys extends Clicks {
  static override readonly applicationName = 'keys' as 'clicks';
  static readonly sectionSize = 4;
}

const system = System.of([[Keys], [Counters]], { name: 'presses' });
const token = 'a token of the test';
const bearer = { authorization: `Bearer ${token.replaceAll(' ', '-')}` };
const authorize = token.replaceAll(' ', '-');

type Options = Partial<ServeLogsOptions<typeof Keys>>;

/** Serves the log of keys, of which some are recorded. */
async function serving(count: number, options: Options = {}, storage?: StorageDescription) {
  const runner = await run(system.bind(storage ?? storages[0]!.create()));
  onTestFinished(() => runner.close());
  const press = (number: number) => runner.get(Keys).save(Click.make('a', number));
  for (let number = 1; number <= count; number += 1) await press(number);
  const handler = serveLogs(runner, { applications: [Keys], authorize, ...options });
  return { runner, press, get: getting(handler) };
}

/** Returns a function that gets a path with the token. */
function getting(handler: LogHandler) {
  return async (path: string, { headers, ...init }: RequestInit = {}) => {
    const sent = { ...bearer, ...(headers as object) };
    const answer = await handler(new Request(`http://localhost/logs${path}`, { ...init, headers: sent }));
    const body = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: JSON.parse(body || '{}') as SectionDocument & LogDocument & ErrorDocument,
    };
  };
}

const ids = (body: SectionDocument) => body.items.map(({ id }) => id);

describe.each(storages)('logs on $name are served', ({ create }) => {
  test('in sections, of which full ones never change', async () => {
    const { get, press } = await serving(6, {}, create());
    const full = await get('/keys/0/sections/1,4');
    expect(full.body).toMatchObject({
      version: 1,
      system: 'presses',
      applicationName: 'keys',
      pipelineId: 0,
      sectionSize: 4,
    });
    expect(full.body).toMatchObject({ id: '1,4', nextId: '5,8' });
    expect(full.body.items[0]).toMatchObject({ id: 1, type: 'Click.Made', data: '{"key":"a","number":1}' });
    expect(ids(full.body)).toEqual([1, 2, 3, 4]);
    expect(full.headers.get('cache-control')).toContain('immutable');
    const again = await get('/keys/0/sections/1,4', {
      headers: { 'if-none-match': `"other", ${full.headers.get('etag')}` },
    });
    expect([again.status, again.body]).toEqual([304, {}]);

    const last = await get('/keys/0/sections/5,8');
    expect(ids(last.body)).toEqual([5, 6]);
    expect(last.body).toMatchObject({ previousId: '1,4' });
    expect(last.body).not.toHaveProperty('nextId');
    expect(last.headers.get('cache-control')).toBe('no-store');
    expect((await get('/keys/0/sections/current')).body).toEqual(last.body);
    await press(7);
    expect(ids((await get('/keys/0/sections/5,8')).body)).toEqual([5, 6, 7]);
    expect(ids((await get('/keys/0/sections/5,8?after=6')).body)).toEqual([7]);
    expect(ids((await get('/keys/0/sections/9,12')).body)).toEqual([]);
  });

  test('with their end, at once or when they have grown', async () => {
    const storage = create();
    const { get, press } = await serving(2, {}, storage);
    expect((await get('/keys/0')).body).toMatchObject({ head: 2, sectionSize: 4 });
    expect((await get('/keys/0?after=2&waitMs=1')).body).toMatchObject({ head: 2 });
    const waiting = get('/keys/0?after=2&waitMs=600000');
    await press(3);
    expect((await waiting).body).toMatchObject({ head: 3 });
    await using other = await system.open(Keys, { storage });
    const waitingForOther = get('/keys/0?after=3&waitMs=600000');
    await other.save(Click.make('b', 4));
    expect((await waitingForOther).body).toMatchObject({ head: 4 });
  });
});

test('a section of large events is served in parts', async () => {
  const { get } = await serving(4, { maxSize: 40 });
  const first = await get('/keys/0/sections/1,4');
  expect(first.body).toMatchObject({ isCut: true, nextId: '5,8' });
  expect(ids(first.body)).toEqual([1, 2]);
  const rest = await get('/keys/0/sections/1,4?after=2');
  expect(ids(rest.body)).toEqual([3, 4]);
  expect(rest.body).not.toHaveProperty('isCut');
});

test.each([
  ['/keys', 404, 'UNKNOWN_LOG'],
  ['/keys/', 404, 'UNKNOWN_LOG'],
  ['/keys/1', 404, 'UNKNOWN_LOG'], // a pipeline that does not run
  ['/keys/-1', 404, 'UNKNOWN_LOG'],
  ['/keys/0x0', 404, 'UNKNOWN_LOG'],
  ['/keys/99999999999999', 404, 'UNKNOWN_LOG'],
  ['/counters/0', 404, 'UNKNOWN_LOG'], // an application of the system that is not served
  ['/Keys/0', 404, 'UNKNOWN_LOG'],
  ['/__proto__/0', 404, 'UNKNOWN_LOG'],
  ['/constructor/0', 404, 'UNKNOWN_LOG'],
  ['/%00/0', 404, 'UNKNOWN_LOG'],
  ['/%/0', 404, 'UNKNOWN_LOG'],
  ['/..%2Fkeys/0', 404, 'UNKNOWN_LOG'],
  ['/keys/0/sections', 404, 'UNKNOWN_LOG'],
  ['/keys/0/sections/', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/1,4/5', 404, 'UNKNOWN_LOG'],
  ['/keys/0/events', 404, 'UNKNOWN_LOG'],
  ['/keys/0/sections/2,5', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/0,3', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/1,20', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/1%2C4%00', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/1,4?after=-1', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/1,4?after=1e3', 400, 'INVALID_POSITION'],
  ['/keys/0?after=x', 400, 'INVALID_POSITION'],
  ['/keys/0?waitMs=-5', 400, 'INVALID_POSITION'],
  ['/keys/0?waitMs=9999999999999999999', 400, 'INVALID_POSITION'],
  ['/keys/00', 404, 'UNKNOWN_LOG'], // each log has one path
  ['/keys/+0', 404, 'UNKNOWN_LOG'],
  ['/keys/0%00', 404, 'UNKNOWN_LOG'],
  ['//keys/0', 404, 'UNKNOWN_LOG'],
  ['/keys%2F0', 404, 'UNKNOWN_LOG'],
  ['/keys%00/0', 404, 'UNKNOWN_LOG'],
  ['/keys/0/sections%2F1,4', 404, 'UNKNOWN_LOG'],
  ['/keys/0/', 404, 'UNKNOWN_LOG'],
  ['/keys/0/sections/1,4%2F', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/-3,0', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/01,4', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/1.0,4', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/9007199254740993,9007199254740996', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/1e400,1e400', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/1,4?after=', 400, 'INVALID_POSITION'],
  ['/keys/0/sections/1,4?after=1&after=2', 400, 'INVALID_POSITION'],
  ['/keys/0?after=1&waitMs=1&waitMs=600000', 400, 'INVALID_POSITION'],
  ['/keys/0?after=%00', 400, 'INVALID_POSITION'],
])('refuses %s', async (path, status, code) => {
  const { get } = await serving(1);
  const answer = await get(path);
  expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
  expect(answer.headers.get('cache-control')).toBe('no-store');
});

test('refuses URLs that are too long', async () => {
  const { get } = await serving(1);
  for (const path of [`/keys/0/sections/${'1'.repeat(3_000)}`, `/keys/0?${'x=1&'.repeat(1_000)}`]) {
    const { status, body } = await get(path);
    expect([status, body.error?.code]).toEqual([414, 'URL_TOO_LONG']);
  }
});

test('answers with nothing behind the end of the log, up to the largest numbers', async () => {
  const { get } = await serving(5);
  for (const path of ['/sections/9007199254740985,9007199254740988', '/sections/1,4?after=999999999999999']) {
    const { status, body } = await get(`/keys/0${path}`);
    expect([status, ids(body)]).toEqual([200, []]);
  }
});

test.each<[string, (etag: string) => string, number]>([
  ['range', () => 'bytes=0-3', 200],
  ['if-range', (etag) => etag, 200],
  ['if-none-match', (etag) => `W/${etag}`, 304],
  ['if-none-match', (etag) => `"a" ,W/"b",  W/${etag},`, 304],
  ['if-none-match', (etag) => etag.replaceAll('"', ''), 200],
  ['if-none-match', (etag) => etag.toLowerCase(), 200],
  ['if-none-match', () => ',,"",W/', 200],
])('answers a full section with the header %s', async (name, valueFor, status) => {
  const { get } = await serving(4);
  const whole = await get('/keys/0/sections/1,4');
  const answer = await get('/keys/0/sections/1,4', {
    headers: { [name]: valueFor(whole.headers.get('etag') as string) },
  });
  expect([answer.status, answer.headers.get('etag')]).toEqual([status, whole.headers.get('etag')]);
  expect(answer.body).toEqual(status === 200 ? whole.body : {});
});

test.each(['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])('refuses the method %s', async (method) => {
  const { get } = await serving(1);
  const answer = await get('/keys/0', { method });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
});

test.each([
  '',
  'Bearer',
  'Bearer ',
  'Bearer wrong-token-of-test',
  `Basic ${authorize}`,
  `Bearer ${authorize}x`,
  `Bearer x ${authorize}`,
  authorize,
])('refuses the authorization "%s", also for logs that are not served', async (authorization) => {
  const { get } = await serving(1);
  for (const path of ['/keys/0', '/counters/0', '/none/0', '/keys/0/sections/1,4']) {
    const answer = await get(path, { headers: { authorization } });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  }
});

test('asks a function for the permission, which may be asynchronous', async () => {
  const asked: string[] = [];
  const { get } = await serving(1, {
    authorize: async (request, applicationName) => {
      asked.push(`${applicationName} ${request.headers.get('x-user')}`);
      return request.headers.get('x-user') === 'ada';
    },
  });
  expect((await get('/keys/0', { headers: { 'x-user': 'ada' } })).status).toBe(200);
  expect((await get('/keys/0', { headers: { 'x-user': 'bob' } })).status).toBe(401);
  expect(asked).toEqual(['keys ada', 'keys bob']);
});

test('does not show why it failed', async () => {
  const secret = 'postgres://user:password@host';
  const { get } = await serving(1, {
    authorize: () => {
      throw new Error(secret);
    },
  });
  const answer = await get('/keys/0');
  expect([answer.status, answer.body.error.code]).toEqual([500, 'FAILED']);
  expect(JSON.stringify(answer.body)).not.toContain('password');
});

test('bounds the requests a second and those that wait', async () => {
  const { get } = await serving(1, { maxRequestsPerSecond: 3, maxWaiting: 0 });
  expect((await get('/keys/0?waitMs=600000')).body.error.code).toBe('TOO_MANY_WAITING');
  const answers = await Promise.all(Array.from({ length: 20 }, () => get('/keys/0')));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
  expect(statuses).toContain(429);
  await until('requests are allowed again', async () => (await get('/keys/0')).status === 200);
});

test('requests without a permission take nothing from those that have one', async () => {
  const { get } = await serving(1, { maxRequestsPerSecond: 3 });
  const headers = { authorization: 'Bearer another-token-of-the-test' };
  const refused = await Promise.all(Array.from({ length: 50 }, () => get('/keys/0', { headers })));
  const statuses = new Set(refused.map(({ status }) => status));
  expect(statuses).toEqual(new Set([401, 429]));
  expect((await get('/keys/0')).status).toBe(200);
});

test.each<[object, string]>([
  [{}, 'applications'],
  [{ applications: [] }, 'applications'],
  [{ applications: [Keys], authorize: 'short' }, 'authorize'],
  [{ applications: [Keys], authorize: [] }, 'authorize'],
  [{ applications: [Keys], authorize, path: 'logs' }, 'path'],
  [{ applications: [Keys], authorize, maxWaitMs: -1 }, 'maxWaitMs'],
  [{ applications: [Keys], authorize, unknown: 1 }, 'unknown'],
])('refuses the options %j', async (options, named) => {
  const { runner } = await serving(0);
  const serve = () => serveLogs(runner, options as ServeLogsOptions<typeof Keys>);
  expect(serve).toThrow(InvalidOptionError);
  expect(serve).toThrow(named);
  expect(serve).not.toThrow('short');
});

test('refuses a system without a name of its own', async () => {
  for (const name of ['system', 'two words', '1', 'a@b']) {
    await using runner = await run(System.of([[Keys]], { name }));
    const serve = () => serveLogs(runner, { applications: [Keys], authorize });
    expect(serve).toThrow(`has the name '${name}'`);
  }
});

test('refuses an application of another system', async () => {
  const RemoteKeys = remote(Keys, { system: 'others', url: 'http://127.0.0.1:1/logs' });
  await using runner = await run(System.of([[RemoteKeys]], { name: 'presses' }));
  const serve = () => serveLogs(runner, { applications: [RemoteKeys as never], authorize });
  expect(serve).toThrow("'keys@others' of remote() runs in another one");
});

test('refuses classes that are not part of the system', async () => {
  const { runner } = await serving(0);
  const serve = () => serveLogs(runner, { applications: [Clicks] as never, authorize });
  expect(serve).toThrow(UnknownApplicationError);
});

test('is mounted in a server of node:http, and ends waits of clients that go', async () => {
  const { runner, press } = await serving(1);
  const handler = serveLogs(runner, { applications: [Keys], authorize, maxWaiting: 1 });
  const server = createServer(nodeListener(handler)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs/keys/0`;
  const get = (query: string, init: RequestInit = {}) =>
    fetch(`${url}${query}`, { headers: bearer, ...init });
  expect(await (await get('/sections/1,4')).json()).toMatchObject({ items: [{ id: 1 }] });
  expect((await get('', { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(405);
  const gone = new AbortController();
  const waiting = get('?after=1&waitMs=600000', { signal: gone.signal });
  await until('it waits', async () => (await get('?after=1&waitMs=1')).status === 503);
  gone.abort();
  await expect(waiting).rejects.toThrow();
  await until('it waits no more', async () => (await get('?after=1&waitMs=1')).status === 200);
  const next = get('?after=1&waitMs=600000');
  await press(2);
  expect(await (await next).json()).toMatchObject({ head: 2 });
});
