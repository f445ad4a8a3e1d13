import { SingleThreadedRunner } from 'kahn';
import { type PostgresOptions, postgres } from 'kahn/postgres';
import { beforeEach, describe, expect, it } from 'vitest';
import { Orders } from '../../../../examples/shop/orders.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import type { Recorder } from '../../../../src/storage/recorder.ts';
import { type OpenedStorage, openStorage } from '../../../../src/storage/storage.ts';
import { connectionString, temporarySchema } from '../../../support/servers/postgres.ts';
import { PostgresProxy } from '../../../support/servers/postgres-proxy.ts';
import { until } from '../../../support/until.ts';
import { changes } from './commit-scene.ts';
import { isAppend } from './fault.ts';

let proxy: PostgresProxy;
let schema: string;

beforeEach(async () => {
  schema = temporarySchema();
  proxy = await PostgresProxy.start(connectionString);
  return () => proxy[Symbol.asyncDispose]();
});

async function open(
  options: PostgresOptions = {},
): Promise<{ openedStorage: OpenedStorage; recorder: Recorder; listening: AsyncDisposable }> {
  const openedStorage = await openStorage(postgres({ connectionString: proxy.url, schema, ...options }));
  const recorder = await openedStorage.openRecorder({ applicationName: 'orders', setupTables: true });
  const listening = await openedStorage.listen!({ onPrompt() {}, onGap() {} });
  return { openedStorage, recorder, listening };
}

/** Returns how long the work takes, in ms. */
async function msOf(work: PromiseLike<unknown>): Promise<number> {
  const start = performance.now();
  await work;
  return performance.now() - start;
}

describe('closing a storage', () => {
  const farewellMs = 1_000;

  it('while the server is down ends all waits at once', async () => {
    const { openedStorage, recorder, listening } = await open();
    proxy.isRefusing = true;
    proxy.cut();
    const { accepted } = proxy;
    const calls = [recorder.head(0), recorder.record(0, [changes('a')])]; // the first one finds the broken connection
    const refused = calls.map((call) => expect(call).rejects.toMatchObject({ code: 'STORAGE_CLOSED' }));
    await until('they are tried again', () => proxy.accepted > accepted + 3);
    expect(await msOf(Promise.all([openedStorage.close(), listening[Symbol.asyncDispose]()]))).toBeLessThan(
      500,
    );
    await Promise.all(refused);
    expect(await msOf(recorder.close())).toBeLessThan(100);
    await expect.poll(() => proxy.open).toBe(0);
  });

  it('in a silent network waits for the grace period only', async () => {
    const { openedStorage, recorder, listening } = await open();
    let isSent = false;
    proxy.fate = (text) => {
      isSent ||= isAppend(text);
      return isSent ? 'hold' : 'pass';
    };
    const recording = expect(recorder.record(0, [changes('a')])).rejects.toMatchObject({
      code: 'STORAGE_OUTCOME_UNKNOWN',
      cause: { code: 'STORAGE_CLOSED' },
    });
    await until('it is sent', () => isSent);
    proxy.silence();
    const reading = expect(recorder.head(0)).rejects.toMatchObject({ code: 'STORAGE_CLOSED' });
    const closing = Promise.all([listening[Symbol.asyncDispose](), openedStorage.close()]);
    expect(await msOf(closing)).toBeLessThan(farewellMs + 1_000);
    await Promise.all([recording, reading]);
    await recorder.close();
    await expect.poll(() => proxy.open).toBe(0);
  });

  it('that tries to listen in a silent network waits for the grace period only', async () => {
    const { openedStorage, listening } = await open({ connectionTimeoutMs: 300 });
    await listening[Symbol.asyncDispose]();
    let asked = 0;
    proxy.fate = (text) => {
      if (!text.startsWith('listen')) return 'pass';
      asked += 1;
      return 'hold';
    };
    const again = await openedStorage.listen!({ onPrompt() {}, onGap() {} }); // succeeds although the first try fails
    await until('it asks once more', () => asked === 2);
    expect(await msOf(again[Symbol.asyncDispose]())).toBeLessThan(farewellMs + 1_000);
    await openedStorage.close();
    await expect.poll(() => proxy.open).toBe(0);
  });
});

describe('closing a runner', () => {
  it('in a silent network ends when its calls time out, and leaves nothing open', async () => {
    const limits = { statementTimeoutMs: 100, retryTimeoutMs: 100, connectionTimeoutMs: 300 };
    const poolSize = 1; // another connection would be tried, too
    const storage = postgres({ connectionString: proxy.url, schema, poolSize, ...limits });
    const runner = await SingleThreadedRunner.start(shop, { storage });
    const orders = runner.get(Orders);
    await orders.place('ada');
    proxy.silence();
    const placing = expect(orders.place('bob')).rejects.toMatchObject({ code: 'STORAGE_OUTCOME_UNKNOWN' });
    const answerMs = 5_000 + limits.statementTimeoutMs;
    const again = limits.retryTimeoutMs + limits.connectionTimeoutMs;
    const positionsMs = 1_000;
    expect(await msOf(runner.close())).toBeLessThan(answerMs + again + positionsMs + 2_000 + 1_000);
    await placing;
    await expect.poll(() => proxy.open).toBe(0);
  });
});
