import assert from 'node:assert/strict';
import { SingleThreadedRunner, type StorageDescription } from 'kahn';
import { Order } from '../examples/shop/order.ts';
import { Orders } from '../examples/shop/orders.ts';
import { Payments } from '../examples/shop/payments.ts';
import { Reservations } from '../examples/shop/reservations.ts';
import { shop } from '../examples/shop/shop.ts';
import { openStorage } from '../src/storage/storage.ts';
import { timed, timedWaves } from './measure.ts';
import { type Logs, readLogs } from './verify-logs.ts';
import type { Candidate } from './workloads.ts';

/** The shop of the examples on one storage. */
export function library(storage: StorageDescription): Candidate {
  return {
    async oneByOne(customers) {
      await setUp(storage);
      await using orders = await shop.open(Orders, { storage });
      const commands = await timed(async () => {
        for (const customer of customers) await orders.place(customer);
      });
      const followers = await timed(() => SingleThreadedRunner.start(shop, { storage }));
      await using runner = followers.result;
      return { ms: commands.ms + followers.ms, logs: await logsOf(runner) };
    },

    async inWaves(waves) {
      await using runner = await SingleThreadedRunner.start(shop, { storage });
      const orders = runner.get(Orders);
      const { ms, result: waveMs } = await timed(async () => {
        const waveMs = await timedWaves(waves, (customer) => orders.place(customer));
        await runner.caughtUp(); // positions after ignored notifications are on record
        return waveMs;
      });
      return { ms, waveMs, logs: await logsOf(runner) };
    },

    async append(waves) {
      await using orders = await shop.open(Orders, { storage });
      const { ms } = await timed(async () => {
        for (const wave of waves) await orders.save(...wave.map((customer) => Order.place(customer)));
      });
      return { ms, logs: await readLogs([orders]) };
    },

    async processEvents(upstreamName, events) {
      await using opened = new AsyncDisposableStack();
      const openedStorage = await openStorage(storage);
      opened.defer(() => openedStorage.close());
      const { applicationName } = Orders;
      const recorder = await openedStorage.openRecorder({ applicationName, setupTables: true });
      opened.defer(() => recorder.close());
      const { ms } = await timed(async () => {
        for (const [expected, event] of events.entries()) {
          const tracking = { upstreamName, expected, position: expected + 1 };
          await recorder.record(0, [{ events: [event], snapshots: [], tracking }]);
        }
      });
      assert.equal((await recorder.position(0, upstreamName)).position, events.length);
      const log = await recorder.notifications(0, 0, Number.MAX_SAFE_INTEGER);
      return { ms, logs: new Map([[applicationName, log]]) };
    },
  };
}

/** Creates the tables, which is not measured. */
async function setUp(storage: StorageDescription): Promise<void> {
  await using _runner = await SingleThreadedRunner.start(shop, { storage });
}

function logsOf(runner: SingleThreadedRunner<(typeof shop.applications)[number]>): Promise<Logs> {
  return readLogs([runner.get(Orders), runner.get(Reservations), runner.get(Payments)]);
}
