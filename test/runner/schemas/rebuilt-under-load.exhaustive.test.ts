import { DatabaseSync } from 'node:sqlite';
import { run, System, verify } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { Order, OrderList, Orders } from '../../support/projections/order-list.ts';
import { temporaryDirectory } from '../../support/storages.ts';

const events = 1_000_000;

class SecondOrderList extends OrderList {
  static override readonly schema = 2;
}

test(`a schema of ${events} events is built under load, and no reader sees a part of it`, async () => {
  const file = `${temporaryDirectory()}/shop.db`;
  const storage = sqlite({ file, synchronous: 'NORMAL' });
  {
    await using runner = await run(System.of([[Orders, OrderList]]), { storage });
    for (let saved = 0; saved < events; saved += 10_000)
      await runner
        .get(Orders)
        .save(Array.from({ length: 10_000 }, (_, i) => Order.place(`customer ${i % 100}`)));
  }
  const second = System.of([[Orders, SecondOrderList]]);
  await using runner = await run(second, { storage });
  const began = performance.now();
  let isLive = false;
  const longest = { save: 0, read: 0, view: 0 };
  let saves = 0;
  const timed = async (what: keyof typeof longest, work: () => unknown) => {
    const before = performance.now();
    const result = await work();
    longest[what] = Math.max(longest[what], performance.now() - before);
    return result;
  };
  const write = async () => {
    while (!isLive) {
      await timed('save', () => runner.get(Orders).save(Order.place('ada')));
      saves += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const read = async () => {
    while (!isLive) {
      const rows = (await timed('read', () =>
        runner
          .get(SecondOrderList)
          .read(({ db, tables }) => db.prepare(`select max(rowid) as n from ${tables.orders}`).get()),
      )) as { n: number };
      expect(rows.n).toBeGreaterThanOrEqual(events);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const readView = async () => {
    using database = new DatabaseSync(file, { timeout: 5_000 });
    while (!isLive) {
      const sql = 'select count(*) as n from (select 1 from order_list__orders limit ?)';
      const { n } = (await timed('view', () => database.prepare(sql).get(events))) as { n: number };
      expect(n).toBe(events);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  };
  const load = Promise.all([write(), read(), readView()]);
  while (!isLive) {
    isLive = (await runner.status())[1]?.building === undefined; // the timeout of the test ends a build that never ends
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const seconds = (performance.now() - began) / 1_000;
  await load;
  process.stderr.write(
    `${Math.round(events / seconds)} events/s with ${saves} saves; longest save ${Math.round(longest.save)} ms, ` +
      `read ${Math.round(longest.read)} ms, view ${Math.round(longest.view)} ms\n`,
  );
  await runner.caughtUp();
  expect(
    await runner
      .get(SecondOrderList)
      .read(({ db, tables }) => db.prepare(`select count(*) as n from ${tables.orders}`).get()),
  ).toEqual({ n: events + saves });
  expect(String(await verify(storage, second))).toContain('0 lost, 0 doubled');
});
