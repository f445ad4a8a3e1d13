import type { KahnError } from 'kahn';
import { postgres } from 'kahn/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { assertSound } from '../../../support/logs.ts';
import { randomNumbers } from '../../../support/random-numbers.ts';
import { seed } from '../../../support/seed.ts';
import { PostgresProxy } from '../../../support/servers/postgres-proxy.ts';
import { freshName, PostgresServer } from '../../../support/servers/postgres-server.ts';
import { type Fault, isAppend, type Scene } from './fault.ts';
import { faultsOfTheNetwork, faultsOfTheServer } from './network-faults.ts';
import { faultsOfResources } from './resource-faults.ts';
import { faultsOfSessions } from './session-faults.ts';
import { booksOf } from './shop-books.ts';
import { catchUp, ShopUnderLoad } from './shop-under-load.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start(['-c', 'max_connections=20', '-c', 'fsync=off']);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function sceneOf(): Promise<Scene> {
  const proxy = await PostgresProxy.start(server.url());
  const admin = new pg.Client({ connectionString: server.url() });
  admin.on('error', () => {});
  await admin.connect();
  onTestFinished(async () => {
    await admin.end();
    await proxy[Symbol.asyncDispose]();
  });
  let sent = 0;
  const scene: Scene = {
    server,
    proxy,
    admin,
    schema: freshName('shop'),
    connectionString: proxy.url,
    get sent() {
      return sent;
    },
    fate: () => 'pass',
  };
  proxy.fate = (text) => {
    if (!isAppend(text)) return 'pass';
    sent += 1;
    return scene.fate();
  };
  return scene;
}

/** Checks that each error names its application and has a cause. */
function expectCauses(errors: Iterable<KahnError>): void {
  for (const { code, message, cause } of errors) {
    expect.soft(cause, code).toBeInstanceOf(Error);
    expect.soft(message).toMatch(/^Application '(orders|reservations|payments)' cannot use schema 'shop_/);
    expect.soft(message).not.toMatch(/:kahn@/);
  }
}

async function endure({ options, harm, surfaces = [], perhaps = [] }: Fault): Promise<void> {
  const scene = await sceneOf();
  const { connectionString, schema } = scene;
  const { pool, ...others } = options?.(scene) ?? {};
  const way = pool === undefined ? { connectionString } : { pool };
  const load = new ShopUnderLoad();
  await load.serve(postgres({ ...way, ...others, schema }), async () => void (await harm(load, scene)));
  await catchUp(postgres({ connectionString: server.url(), schema }));
  const books = await booksOf(server.url(), schema, load);
  const { codes, errors } = load;
  expect(books).toEqual({ lost: [], doubled: [] });
  await assertSound(postgres({ connectionString: server.url(), schema }));
  expect([...codes.keys()].filter((code) => !perhaps.includes(code))).toEqual(surfaces);
  expectCauses(errors.values());
}

describe('under load, nothing is lost or doubled', () => {
  it.each([
    ...faultsOfSessions,
    ...faultsOfTheServer,
    ...faultsOfResources(),
    ...faultsOfTheNetwork(randomNumbers(seed)),
  ])('$name', endure);
});
