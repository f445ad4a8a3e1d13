import { DownstreamError, type System } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { brokenShop } from '../../support/systems/broken-shop.ts';
import { hungInvoices } from '../../support/systems/hung-policy.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { type Apps, assertAllDone, customers, type RunnerSubject } from './subject.ts';

/** Start and close. */
export function lifecycle({ start, createStorage }: RunnerSubject): void {
  test('start() resolves if a policy fails on what was recorded before; status() and caughtUp() show it', async () => {
    const storage = createStorage();
    {
      await using orders = await shop.open(Orders, { storage });
      await orders.place('mallory');
    }
    await using runner = await start(brokenShop as System<Apps>, { storage });
    const error = await rejectionOf(runner.caughtUp(), DownstreamError);
    expect(error.failures.get('reservations')).toMatchObject({ code: 'POLICY_FAILED', notificationId: 1 });
    expect((await runner.status())[1]).toMatchObject({ applicationName: 'reservations', state: 'failed' });
  });

  test('close() finishes the saves under way', async () => {
    const storage = createStorage();
    const runner = await start(shop, { storage });
    const placing = customers.map((customer) => runner.get(Orders).place(customer));
    await runner.close();
    const ids = await Promise.all(placing);
    await using again = await start(shop, { storage });
    await again.caughtUp();
    await assertAllDone(again, ids);
  });

  test('close() keeps its time while a policy never ends, and names the application', async () => {
    const events = watchRunners();
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const system = hungInvoices as unknown as System<Apps>;
    const runner = await start(system, { storage: createStorage(), drainTimeoutMs: 500 });
    const placing = runner
      .get(Orders)
      .place('ada')
      .catch(() => {}); // a single thread waits for the policy
    let timesRunning = 0; // a tick without work runs, too, for a moment
    await until('the policy runs', async () => {
      timesRunning = (await runner.status())[1]?.state === 'running' ? timesRunning + 1 : 0;
      return timesRunning > 20;
    });
    const began = performance.now();
    await runner.close();
    await placing;
    expect(performance.now() - began).toBeLessThan(8_000); // the default time is 10 s
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'stopped', applicationName: 'invoices', terminated: true }),
    );
    await until('the warning is emitted', () => warnings.some(({ message }) => message.includes('invoices')));
  });

  test('a start that is aborted, or cannot open its storage, leaves nothing behind', async () => {
    const storage = createStorage();
    const reason = new Error('no time');
    await expect(start(shop, { storage, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const nowhere = {
      module: 'data:text/javascript,export const openStorage = () => Promise.reject(new Error("no"))',
    };
    await expect(start(shop, { storage: { ...nowhere, options: {} } })).rejects.toThrow('no');
    await (await start(shop, { storage })).close();
  });
}
