import { once } from 'node:events';
import { run, System } from 'kahn';
import { remote, type ServeLogsOptions, serveLogs } from 'kahn/http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ReadClicks, readSystem } from '../../application/log/contract/read-clicks.ts';
import { storages } from '../../support/storages.ts';
import { Click, Counters } from '../../support/systems/clicks.ts';
import { inTime, until } from '../../support/until.ts';
import { mountings } from './mountings.ts';

const token = 'a-token-of-the-test';
const headers = { authorization: `Bearer ${token}` };
/** Longer than a test may take: an answer that comes does not come because the time is over. */
const longMs = 3_600_000;

describe.each(mountings)('serveLogs() mounted in $name', ({ listen, answersOnClose }) => {
  /** Serves a log with one click. */
  async function serving(options: Partial<ServeLogsOptions<typeof ReadClicks>> = {}) {
    const runner = await run(readSystem.bind(storages[0]!.create()));
    onTestFinished(() => runner.close());
    const served = { applications: [ReadClicks], authorize: token, maxWaitMs: longMs, ...options };
    const { port, ...mounted } = await listen(serveLogs(runner, served));
    const origin = `http://127.0.0.1:${port}`;
    const press = (number: number) => runner.get(ReadClicks).save(Click.make('key', number));
    await press(1);
    const get = (path: string, init: RequestInit = {}) => fetch(`${origin}${path}`, { headers, ...init });
    return { url: `${origin}/logs`, press, get, ...mounted };
  }

  test('is followed by another system and by a reader', async () => {
    const { url, press } = await serving();
    const Followed = remote(ReadClicks, { system: 'presses', url, headers: () => headers });
    const office = await run(System.of([[Followed, Counters]], { name: 'office' }));
    onTestFinished(() => office.close());
    const seen: number[] = [];
    const reader = office.get(Followed).reader();
    for await (const { id, event } of reader.follow({ signal: inTime(), pollIntervalMs: 5 })) {
      if (event.type === 'Click.Made') seen.push(event.data.number);
      if (id === 7) break;
      await press(id + 1); // while the reader waits for it
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await until(
      'all are counted',
      async () => (await office.get(Counters).counted()).get('key')?.length === 7,
    );
    expect((await office.get(Counters).counted()).get('key')).toEqual(seen);
  });

  test('answers a request that waits when an event is recorded', async () => {
    const { press, get } = await serving({ maxWaiting: 1 });
    const waiting = get(`/logs/clicks/0?after=1&waitMs=${longMs}`);
    await until('it waits', async () => (await get('/logs/clicks/0?after=1&waitMs=1')).status === 503);
    await press(2);
    expect(await (await waiting).json()).toMatchObject({ head: 2 });
  });

  test('ends the wait of a client that goes', async () => {
    const { get } = await serving({ maxWaiting: 1 });
    const gone = new AbortController();
    const waiting = get(`/logs/clicks/0?after=1&waitMs=${longMs}`, { signal: gone.signal });
    await until('it waits', async () => (await get('/logs/clicks/0?after=1&waitMs=1')).status === 503);
    gone.abort();
    await expect(waiting).rejects.toThrow();
    await until(
      'it waits no more',
      async () => (await get('/logs/clicks/0?after=1&waitMs=1')).status === 200,
    );
  });

  test('answers what waits when the server closes, or ends it with all connections', async () => {
    const { get, server, close } = await serving();
    const asked = once(server, 'request');
    const waiting = get(`/logs/clicks/0?after=1&waitMs=${longMs}`).then(
      ({ status }) => status,
      () => 'ended',
    );
    await asked;
    const closed = close();
    if (!answersOnClose) server.closeAllConnections();
    expect(await waiting).toBe(answersOnClose ? 200 : 'ended');
    await closed;
  });

  test.skipIf(answersOnClose)('lets requests wait for their whole time when the server closes', async () => {
    const { get, server, close } = await serving();
    const asked = once(server, 'request');
    const waitMs = 2_000;
    const askedAt = performance.now();
    const waiting = get(`/logs/clicks/0?after=1&waitMs=${waitMs}`);
    await asked;
    const closed = close();
    expect((await waiting).status).toBe(200);
    expect(performance.now() - askedAt).toBeGreaterThan(waitMs - 100);
    await closed;
  });

  test('answers as the handler does, also with its headers', async () => {
    const { press, get } = await serving();
    for (const number of [2, 3]) await press(number);
    const full = await get('/logs/clicks/0/sections/1,3');
    expect(await full.json()).toMatchObject({ id: '1,3', items: [{ id: 1 }, { id: 2 }, { id: 3 }] });
    expect(full.headers.get('cache-control')).toContain('immutable');
    const known = { ...headers, 'if-none-match': full.headers.get('etag') as string };
    expect((await get('/logs/clicks/0/sections/1,3', { headers: known })).status).toBe(304);
    const refused = await get('/logs/clicks/0', { headers: {} });
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect((await get('/logs/counters/0')).status).toBe(404);
    expect(await (await get('/health', { headers: {} })).text()).toBe('ok');
  });
});
