import { join } from 'node:path';
import { verify } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { expect } from 'vitest';
import { Invoices } from '../../../examples/two-systems/invoices.ts';
import { Orders } from '../../../examples/two-systems/orders.ts';
import { officeFollowing, shopFollowing } from '../../../examples/two-systems/systems.ts';
import { freePort } from '../../support/servers/free-port.ts';
import { temporaryDatabase } from '../../support/servers/postgres.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { until } from '../../support/until.ts';
import { startExample } from '../example-program.ts';

export interface KilledPrograms {
  /** Number of orders. */
  readonly count: number;
  readonly kills: number;
  /** Returns the port at which the other program reaches the one that listens at a port. @default the port itself */
  readonly reachedAt?: (port: number) => Promise<number>;
}

const urlAt = (port: number) => `http://localhost:${port}/logs`;

/**
 * Runs a shop on SQLite and an office on PostgreSQL, which follow each other, and kills them again and again. Expects that
 * nothing is lost, doubled or out of order.
 */
export async function runKilledPrograms({
  count,
  kills,
  reachedAt = async (port) => port,
}: KilledPrograms): Promise<void> {
  process.env.TOKEN = 'a-token-of-the-test';
  const shopFile = join(temporaryDirectory(), 'shop.db');
  const officeDatabase = await temporaryDatabase();
  const [shopPort, officePort] = [await freePort(), await freePort()];
  const [shopUrl, officeUrl] = [urlAt(await reachedAt(shopPort)), urlAt(await reachedAt(officePort))];
  let printed = '';
  const startShop = () => {
    printed = '';
    const options = ['--database', shopFile, '--port', `${shopPort}`, '--other', officeUrl];
    const program = startExample('two-systems', 'shop', ...options, '--orders', `${count}`);
    program.child.stdout.on('data', (text) => {
      printed += text;
    });
    return program;
  };
  let isServing = false;
  const startOffice = () => {
    isServing = false;
    const options = ['--database', officeDatabase, '--port', `${officePort}`, '--other', shopUrl];
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

  const shopStorage = sqlite({ file: shopFile });
  const officeStorage = postgres({ connectionString: officeDatabase });
  const [shopSystem, officeSystem] = [shopFollowing(officeUrl), officeFollowing(shopUrl)];
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
}
