import assert from 'node:assert/strict';
import { timed, timedWaves } from '../measure.ts';
import type { Logs } from '../verify-logs.ts';
import type { Candidate } from '../workloads.ts';
import type { BaselineLog, BaselineStorage } from './log.ts';
import { BaselineShop, placeOrders } from './shop.ts';

/** The hand-written shop on one storage. */
export function baseline(open: () => BaselineStorage): Candidate {
  return {
    async oneByOne(customers) {
      using storage = open();
      const { orders } = new BaselineShop(storage);
      const commands = await timed(() => {
        for (const customer of customers) placeOrders(orders, [customer]);
      });
      const followers = await timed(() => {
        const shop = new BaselineShop(storage);
        shop.settle();
        shop.flush();
        return shop;
      });
      return { ms: commands.ms + followers.ms, logs: read(followers.result.logs) };
    },

    async inWaves(waves) {
      using storage = open();
      const shop = new BaselineShop(storage);
      const { ms, result: waveMs } = await timed(async () => {
        const waveMs = await timedWaves(waves, (customer) => shop.place(customer));
        shop.flush();
        return waveMs;
      });
      return { ms, waveMs, logs: read(shop.logs) };
    },

    async append(waves) {
      using storage = open();
      const orders = storage.open('orders');
      const { ms } = await timed(() => {
        for (const wave of waves) placeOrders(orders, wave);
      });
      return { ms, logs: read([orders]) };
    },

    async processEvents(upstreamName, events) {
      using storage = open();
      const orders = storage.open('orders');
      const { ms } = await timed(() => {
        for (const [position, event] of events.entries()) {
          orders.transaction(() => {
            orders.append(event);
            orders.movePosition(upstreamName, position, position + 1);
          });
        }
      });
      assert.equal(orders.position(upstreamName), events.length);
      return { ms, logs: read([orders]) };
    },
  };
}

function read(logs: Iterable<BaselineLog>): Logs {
  return new Map(Array.from(logs, (log) => [log.name, log.read(0, Number.MAX_SAFE_INTEGER)]));
}
