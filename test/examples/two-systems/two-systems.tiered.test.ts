import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { verify } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { Invoices } from '../../../examples/two-systems/invoices.ts';
import { Orders } from '../../../examples/two-systems/orders.ts';
import { officeFollowing, shopFollowing } from '../../../examples/two-systems/systems.ts';
import { temporaryDatabase } from '../../support/servers/postgres.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { until } from '../../support/until.ts';
import { startExample } from '../example-program.ts';

const count = byTier(60, 600);
const kills = byTier(2, 12);

async function freePort(): Promise<string> {
  await using server = createServer().listen(0);
  await once(server, 'listening');
  return String((server.address() as AddressInfo).port);
}

test('two programs that follow each other are killed again and again, and nothing is lost, doubled or out of order', async () => {
  process.env.TOKEN = 'a-token-of-the-test';
  const shopFile = join(temporaryDirectory(), 'shop.db');
  const officeUrl = await temporaryDatabase();
  const [shopPort, officePort] = [await freePort(), await freePort()];
  const urlAt = (port: string) => `http://localhost:${port}/logs`;
  let printed = '';
  const startShop = () => {
    printed = '';
    const program = startExample(
      'two-systems',
      'shop',
      '--database',
      shopFile,
      '--port',
      shopPort,
      '--other',
      urlAt(officePort),
      '--orders',
      `${count}`,
    );
    program.child.stdout.on('data', (text) => {
      printed += text;
    });
    return program;
  };
  let isServing = false;
  const startOffice = () => {
    isServing = false;
    const options = ['--database', officeUrl, '--port', officePort, '--other', urlAt(shopPort)];
    const program = startExample('two-systems', 'office', ...options);
    program.child.stdout.on('data', () => {
      isServing = true;
    });
    return program;
  };
  let shop = startShop();
  let office = startOffice();
  const invoiced = (least: number) =>
    until(`${least} are invoiced`, () => Number(/.*\n(\d+) invoiced/s.exec(printed)?.[1] ?? 0) >= least);
  for (let killed = 1; killed <= kills; killed += 1) {
    await invoiced(Math.floor((count * killed) / (kills + 1)));
    office.child.kill('SIGKILL');
    if (killed % 2 === 0) shop.child.kill('SIGKILL');
    await office.outcome;
    office = startOffice();
    if (killed % 2 === 1) continue;
    await shop.outcome;
    shop = startShop();
  }
  await invoiced(count);
  await until('the office can be ended', () => isServing);
  shop.child.kill('SIGTERM');
  office.child.kill('SIGTERM');
  expect(await shop.outcome).toMatchObject({ code: 0, stderr: '' });
  expect(await office.outcome).toMatchObject({ code: 0, stderr: '' });

  const [shopStorage, officeStorage] = [
    sqlite({ file: shopFile }),
    postgres({ connectionString: officeUrl }),
  ];
  const [shopSystem, officeSystem] = [shopFollowing(urlAt(officePort)), officeFollowing(urlAt(shopPort))];
  const [placed, marked, written]: [string[], string[], string[]] = [[], [], []];
  await using orders = await shopSystem.open(Orders, { storage: shopStorage });
  for await (const { event } of orders.reader())
    (event.type === 'Order.Placed' ? placed : marked).push(event.originatorId);
  await using invoices = await officeSystem.open(Invoices, { storage: officeStorage });
  for await (const { event } of invoices.reader()) written.push(event.data.orderId);
  expect(placed).toHaveLength(count);
  expect([written, marked]).toEqual([placed, placed]);
  expect((await verify(shopStorage, shopSystem)).faults).toEqual([]);
  expect((await verify(officeStorage, officeSystem)).faults).toEqual([]);
}, 240_000);
