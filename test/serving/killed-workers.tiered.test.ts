import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { MultiprocessRunner, run, System, verify } from 'kahn';
import { serveLogs } from 'kahn/http';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { temporarySqlite } from '../support/storages.ts';
import { byTier } from '../support/tier.ts';
import { until } from '../support/until.ts';
import { watchRunners } from '../support/watchers/events.ts';
import { watchProcesses } from '../support/watchers/processes.ts';
import { TestServer } from './test-server.ts';
import { Billing, Sale, Sales } from './two-systems.ts';

const kills = byTier(1, 20);
const perKill = 15;

const token = `secret-${randomUUID()}`;
const file = join(mkdtempSync(join(tmpdir(), 'kahn-token-')), 'token');
writeFileSync(file, token);
// The module of the system reads them in all processes.
const server = await TestServer.listen(afterAll);
process.env.KAHN_TEST_SECRET_URL = server.url;
process.env.KAHN_TEST_TOKEN_FILE = file;
const { office } = await import('./secret-office.ts');

/** What the operating system shows of a process. */
function shownOf(pid: number | undefined): string {
  const files = ['cmdline', 'environ'].map((name) => `/proc/${pid}/${name}`);
  return files.map((name) => (existsSync(name) ? readFileSync(name, 'latin1') : '')).join('\n');
}

test(`processes that are killed ${kills} times lose and double nothing of another system, and show no token`, async () => {
  const shop = await run(System.of([[Sales]], { name: 'shop' }), { storage: temporarySqlite() });
  onTestFinished(() => shop.close());
  const handler = serveLogs(shop, { applications: [Sales], authorize: token });
  server.handler = handler;
  const events = watchRunners();
  const processes = watchProcesses();
  const storage = temporarySqlite();
  const shown: unknown[] = [];
  await using billing = await MultiprocessRunner.start(office, { storage, pollIntervalMs: 50, batchSize: 3 });
  let sold = 0;
  for (let killed = 0; killed < kills; killed += 1) {
    await until('it runs', () => processes.size > 0);
    for (let i = 0; i < perKill; i += 1) await shop.get(Sales).save(Sale.make(sold++));
    await until('it bills', async () => (await billing.get(Billing).log.head()) > killed * perKill);
    const restarts = events.filter(({ kind }) => kind === 'restarted').length;
    for (const child of processes) {
      shown.push(shownOf(child.pid), child.spawnargs);
      child.kill('SIGKILL');
    }
    await until('it is restarted', () => events.filter(({ kind }) => kind === 'restarted').length > restarts);
  }
  await until('all are billed', async () => (await billing.get(Billing).log.head()) === sold);

  server.handler = async () => new Response(null, { status: 401 });
  await shop.get(Sales).save(Sale.make(sold));
  server.cut();
  await until('it is interrupted', async () => {
    const status = await billing.status();
    shown.push(status);
    return status.some(({ interruption }) => interruption !== undefined);
  });
  server.handler = handler;
  await until('the last is billed', async () => (await billing.get(Billing).log.head()) === sold + 1);
  const amounts: number[] = [];
  for await (const { event } of billing.get(Billing).reader()) amounts.push(event.data.amount);
  expect(amounts).toEqual(Array.from({ length: sold + 1 }, (_, amount) => amount));
  expect((await verify(storage, office)).faults).toEqual([]);
  for (const one of [...shown, ...events, billing, office]) {
    const text = inspect(one, { depth: 12, maxStringLength: null, maxArrayLength: null, showHidden: true });
    expect(text).not.toContain(token);
  }
}, 240_000);
