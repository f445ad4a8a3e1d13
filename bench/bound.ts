import type { BoundLog, BoundStorage } from './bound-log.ts';
import { BoundShop, placeOrders } from './bound-shop.ts';
import type { Logs } from './census.ts';
import { timed } from './measure.ts';
import type { Contestant } from './workloads.ts';

/** The shop written by hand, on one storage. */
export function bound(storage: BoundStorage): Contestant {
  return {
    async oneByOne(customers) {
      const { orders } = new BoundShop(storage);
      const commands = await timed(() => {
        for (const customer of customers) placeOrders(orders, [customer]);
      });
      const followers = await timed(() => {
        const shop = new BoundShop(storage);
        shop.settle();
        return shop;
      });
      return { ms: commands.ms + followers.ms, logs: read(followers.result.logs) };
    },

    async inWaves(waves) {
      const shop = new BoundShop(storage);
      const { ms } = await timed(async () => {
        for (const wave of waves) await Promise.all(wave.map((customer) => shop.place(customer)));
      });
      return { ms, logs: read(shop.logs) };
    },

    async append(waves) {
      const orders = storage.open('orders');
      const { ms } = await timed(() => {
        for (const wave of waves) placeOrders(orders, wave);
      });
      return { ms, logs: read([orders]) };
    },
  };
}

function read(logs: Iterable<BoundLog>): Logs {
  return new Map(Array.from(logs, (log) => [log.name, log.read(0, Number.MAX_SAFE_INTEGER)]));
}
