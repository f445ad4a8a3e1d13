import { memory } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { applicationInternals } from '../../src/application/application.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../src/application/process-application.ts';
import * as after from '../support/systems/versions/after.ts';
import * as before from '../support/systems/versions/before.ts';
import { Order } from '../support/systems/versions/orders.ts';

const { donePosition, recordPositions } = processApplicationInternals;

/** Orders with two events. The ledger of the older version ignores the second one, and has not recorded that. */
async function scene() {
  const storage = memory();
  const orders = await before.system.open(before.Orders, { storage });
  const open = async (kind: typeof before.Ledger | typeof after.Ledger) => {
    const ledger = (await (kind as typeof before.Ledger).open({ storage })) as unknown as ProcessApplication;
    ledger.follow(orders.log);
    onTestFinished(() => ledger.close());
    return ledger;
  };
  onTestFinished(() => orders.close());
  const order = Order.make();
  await orders.save(order);
  const ledger = await open(before.Ledger);
  await ledger.run();
  await recordPositions(ledger);
  await orders.save(order.pay());
  await ledger.run();
  const { recorder } = applicationInternals.storeOf(ledger);
  const recorded = async () => (await recorder.position(0, 'orders')).position;
  const done = async () => (await donePosition(ledger, 'orders')).position;
  const pay = async () => void (await orders.save(order.pay()));
  return { ledger, recorded, done, open, pay };
}

test('a position is done as soon as the notifications before it are ignored', async () => {
  const { ledger, recorded, done } = await scene();
  expect([await recorded(), await done()]).toEqual([1, 2]);
  await recordPositions(ledger);
  expect([await recorded(), await done()]).toEqual([2, 2]);
});

test('ignored notifications that a newer version handles are not done', async () => {
  const { recorded, done, open } = await scene();
  await (await open(after.Ledger)).run({ upTo: 0 });
  expect([await recorded(), await done()]).toEqual([1, 1]);
});

test('the recorded position counts once another writer has moved it', async () => {
  const { recorded, done, open, pay } = await scene();
  await pay();
  const other = await open(before.Ledger);
  await other.run();
  await recordPositions(other);
  expect([await recorded(), await done()]).toEqual([3, 3]);
});
