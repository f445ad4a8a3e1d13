import { System, UnknownApplicationError } from 'kahn';
import { remote } from 'kahn/http';
import { derivedId, given } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { Billing, Sale, Sales } from '../../serving/two-systems.ts';
import { storages } from '../../support/storages.ts';

// Nothing listens there: a request would fail.
const url = 'http://127.0.0.1:1/logs';
const RemoteSales = remote(Sales, { system: 'shop', url });
const RemoteBilling = remote(Billing, { system: 'office', url });

describe.each(storages)('on $name, a policy handles events of another system', ({ create }) => {
  test('which are stated as plain data', async () => {
    await given(Billing, [], { storage: create() })
      .when(RemoteSales, { type: 'Sale.Made', data: { amount: 3 }, originatorId: 's-1' })
      .when(RemoteSales, { type: 'Sale.Made', data: { amount: 4 }, originatorId: 's-2' })
      .then([
        {
          type: 'Bill.Written',
          originatorId: derivedId('bill'),
          data: { saleId: 's-1', amount: 3 },
          cause: { applicationName: 'sales@shop', pipelineId: 0, notificationId: 1 },
        },
        {
          data: { saleId: 's-2', amount: 4 },
          type: 'Bill.Written',
          cause: { applicationName: 'sales@shop', pipelineId: 0, notificationId: 2 },
        },
      ]);
  });

  test('which answer events of its own', async () => {
    const sale = Sale.make(3);
    const system = System.of([[RemoteBilling, Sales]], { name: 'shop' });
    await given(Sales, [sale], { storage: create(), system })
      .when(RemoteBilling, {
        type: 'Bill.Written',
        data: { saleId: sale.id, amount: 3 },
        originatorId: 'bill 1',
      })
      .then([{ type: 'Sale.Billed', originatorId: sale.id, data: { billId: 'bill 1' } }]);
  });

  test('which are stated as aggregates', async () => {
    const sale = Sale.make(5);
    await given(Billing, [], { storage: create() })
      .when(RemoteSales, sale)
      .then([{ type: 'Bill.Written', data: { saleId: sale.id, amount: 5 } }]);
  });
});

test('events of another system have the types of its class', async () => {
  const ofBilling = given(Billing);
  // @ts-expect-error the amount is a number
  ofBilling.when(RemoteSales, { type: 'Sale.Made', data: { amount: '3' }, originatorId: 's-1' });
  // @ts-expect-error there is no such event
  ofBilling.when(RemoteSales, { type: 'Sale.Lost', data: {}, originatorId: 's-1' });
});

test('refuses the class itself where the system has the one of remote()', async () => {
  const system = System.of([[RemoteSales, Billing]], { name: 'office' });
  const stated = given(Billing, [], { system }).when(Sales, Sale.make(1));
  await expect(stated.then([])).rejects.toThrow(UnknownApplicationError);
  await expect(stated.then([])).rejects.toThrow('pass the class that remote() returned');
});
