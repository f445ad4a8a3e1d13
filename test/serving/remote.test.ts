import { explain, run, System, verify } from 'kahn';
import { remote, serveLogs } from 'kahn/http';
import { expect, onTestFinished, test } from 'vitest';
import { storages } from '../support/storages.ts';
import { until } from '../support/until.ts';
import { TestServer } from './test-server.ts';
import { Billing, Sale, Sales } from './two-systems.ts';

const token = 'a-token-of-the-test';
const headers = { authorization: `Bearer ${token}` };

/** Starts two systems that follow each other. */
async function startBoth() {
  const [ofSales, ofBilling] = [await TestServer.listen(), await TestServer.listen()];
  const shop = System.of([[remote(Billing, { system: 'office', url: ofBilling.url, headers }), Sales]], {
    name: 'shop',
  });
  const office = System.of(
    [[remote(Sales, { system: 'shop', url: ofSales.url, headers: () => headers }), Billing]],
    {
      name: 'office',
    },
  );
  const [storageOfShop, storageOfOffice] = [storages[1]!.create(), storages[0]!.create()];
  const sales = await run(shop, { storage: storageOfShop });
  onTestFinished(() => sales.close());
  const billing = await run(office, { storage: storageOfOffice });
  onTestFinished(() => billing.close());
  ofSales.handler = serveLogs(sales, { applications: [Sales], authorize: token });
  ofBilling.handler = serveLogs(billing, { applications: [Billing], authorize: token });
  return { ofSales, ofBilling, sales, billing, shop, office, storageOfShop, storageOfOffice };
}

test('two systems follow each other over HTTP', async () => {
  const { sales, billing, ofSales, ofBilling, shop, office, storageOfShop, storageOfOffice } =
    await startBoth();
  const made = Array.from({ length: 23 }, (_, amount) => Sale.make(amount));
  for (const sale of made) {
    await sales.get(Sales).save(sale);
    if (Math.random() < 0.3) ofSales.cut();
    if (Math.random() < 0.3) ofBilling.cut();
  }
  const billed = async () => {
    const found = await Promise.all(made.map(({ id }) => sales.get(Sales).repository.get(Sale, id)));
    return found.map(({ billIds }) => billIds.length);
  };
  await until('all are billed', async () => (await billed()).every((count) => count > 0));
  expect(new Set(await billed())).toEqual(new Set([1]));
  expect(await billing.get(Billing).log.head()).toBe(made.length);
  const amounts: number[] = [];
  for await (const { event } of billing.get(Billing).reader()) amounts.push(event.data.amount);
  expect(amounts).toEqual(made.map((_, amount) => amount)); // in order
  expect((await verify(storageOfShop, shop)).faults).toEqual([]);
  expect((await verify(storageOfOffice, office)).faults).toEqual([]);
  let last = 0;
  for await (const { id, event } of sales.get(Sales).reader()) if (event.type === 'Sale.Billed') last = id;
  const { causes } = await explain(sales, Sales, last);
  expect(causes.map(({ applicationName, type }) => `${applicationName} ${type}`)).toEqual([
    'billing@office Bill.Written',
    'sales Sale.Made',
  ]);
}, 60_000);
