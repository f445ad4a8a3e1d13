import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { run, System } from 'kahn';
import { remote } from 'kahn/http';
import { expect, onTestFinished, test } from 'vitest';
import { Billing, Sale, Sales } from '../two-systems.ts';

/** Sales of this system, beside those of the other one. */
class OwnSales extends Sales {
  static override readonly applicationName = 'own-sales' as 'sales';
}

/** Number of sales in the log of the other system. */
const count = 100;

/** Serves a log one notification at a time, with a second before each. */
async function trickling() {
  const log = { version: 1, system: 'shop', applicationName: 'sales', pipelineId: 0, sectionSize: count };
  const answers = { sent: 0 };
  const server = createServer(async ({ url = '' }, response) => {
    if (url.includes('waitMs')) return; // until the connection is closed
    if (!url.includes('/sections/')) {
      response.end(JSON.stringify({ ...log, head: count }));
      return;
    }
    const [, after = '0'] = /after=(\d+)/.exec(url) ?? [];
    const id = Number(after) + 1;
    const sale = {
      originatorId: `sale ${id}`,
      originatorVersion: 1,
      type: 'Sale.Made',
      data: '{"amount":1}',
    };
    await delay(1_000);
    answers.sent += 1;
    response.end(
      JSON.stringify({ ...log, id: `1,${count}`, isCut: true, items: [{ id, timestamp: 0, ...sale }] }),
    );
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return { answers, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs` };
}

test('a system starts and processes its own logs while a server sends one notification at a time', async () => {
  const { answers, url } = await trickling();
  const upstream = remote(Sales, { system: 'shop', url });
  const office = System.of(
    [
      [upstream, Billing],
      [OwnSales, Billing],
    ],
    { name: 'office' },
  );
  await using runner = await run(office, { batchSize: count });
  await runner.settled(await runner.get(OwnSales).save(Sale.make(1)));
  expect(answers.sent).toBeLessThan(count);
});
