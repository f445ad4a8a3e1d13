import { run } from 'kahn';
import { expect, test } from 'vitest';
import { assertSound } from '../../support/logs.ts';
import { temporarySqlite } from '../../support/storages.ts';
import { type Apps, fromEnd, Orders, system } from '../../support/systems/invoicing.ts';
import { until } from '../../support/until.ts';

const because = { by: 'ada', reason: 'drill' };

test('hosts that come and go process a replay once, beside new events', async () => {
  const storage = temporarySqlite();
  const orders = await system.open(Orders, { storage });
  await orders.place(...Array.from({ length: 40 }, (_, i) => `customer ${i}`));
  await orders.close();
  const invoices = fromEnd.applications[1] as Apps;
  const start = () => run(fromEnd.bind(storage), { batchSize: 2 });
  const first = await start();
  await first.replay(invoices, because);
  for (let i = 0; i < 3; i += 1) {
    await using other = await start();
    await other.get(Orders).place(`new customer ${i}`);
  }
  await first.close();
  await using last = await start();
  await until('the replay has ended', async () => (await last.status())[1]?.replays === undefined);
  await last.caughtUp();
  const causes: number[] = [];
  for await (const { event } of last.get(invoices).reader()) causes.push(event.cause?.notificationId ?? 0);
  expect(causes.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 86 }, (_, i) => i + 1));
  await last.close();
  await assertSound(storage, fromEnd);
});
