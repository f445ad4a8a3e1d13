import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SingleThreadedRunner } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { Order } from '../../../../examples/shop/order.ts';
import { Orders } from '../../../../examples/shop/orders.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import { readLog, type WriteAheadLog } from './write-ahead-log.ts';

/** Progress of one application: the number of its notifications, and by upstream its position and the last cause. */
interface Progress {
  readonly head: number;
  readonly positions: Readonly<Record<string, number>>;
  readonly causes: Readonly<Record<string, number>>;
  /** Recorded idempotency keys, and the customers of recorded orders that were placed with a key. */
  readonly keys: readonly string[];
  readonly keyedOrders: readonly string[];
}

/** Progress of all applications by name. */
export type State = Readonly<Record<string, Progress>>;

const names = shop.applications.map(({ applicationName }) => applicationName);

/** Customers whose orders are placed with their names as idempotency keys. */
const keyed = ['dan', 'eve', 'fay'];

/** The file of a shop and its write-ahead log, as they were in the middle of its work. */
export interface CutShop {
  readonly database: Buffer;
  readonly log: WriteAheadLog;
}

/** Runs a shop with `synchronous: 'NORMAL'`, and copies its files in the middle of its work. */
export async function cutShop(directory: string): Promise<CutShop> {
  const file = join(directory, 'shop.db');
  const start = () => SingleThreadedRunner.start(shop.bind(sqlite({ file, synchronous: 'NORMAL' })));
  {
    await using runner = await start();
    for (const customer of ['ada', 'bob']) await runner.get(Orders).place(customer);
  }
  await using runner = await start(); // begins a new write-ahead log
  await runner.get(Orders).place('cy');
  const saves = keyed.map((customer) =>
    runner.get(Orders).save(Order.place(customer), { idempotencyKey: customer }),
  );
  await saves[0];
  const copied = join(directory, 'copied');
  mkdirSync(copied);
  // Another process copies: closing a file in this process would release the locks of SQLite.
  spawnSync('cp', [file, `${file}-wal`, copied]);
  await Promise.all(saves);
  const database = readFileSync(join(copied, 'shop.db'));
  return { database, log: readLog(readFileSync(join(copied, 'shop.db-wal'))) };
}

/** Puts the files of a shop in a directory, as after a power cut. Returns the path of the database. */
export function putFiles(directory: string, { database }: CutShop, log: Buffer): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'shop.db');
  writeFileSync(path, database);
  writeFileSync(`${path}-wal`, log);
  return path;
}

const query = names
  .map(
    (name) => `
      select '${name}' as name, (select coalesce(max(notification_id), 0) from events_${name}) as head,
        (select count(*) from events_${name}) as count,
        (select json_group_object(upstream_name, position) from positions_${name}) as positions,
        (select json_group_array(key) from (select key from commands_${name} order by key)) as keys,
        (select json_group_array(customer) from (
          select data ->> 'customer' as customer from events_${name}
          where type = 'Order.Created' and customer in ('${keyed.join("', '")}') order by customer
        )) as keyedOrders,
        (select json_group_object(cause_name, id) from (
          select cause_name, max(cause_id) as id from events_${name} where cause_name is not null group by cause_name
        )) as causes`,
  )
  .join(' union all ');

/** Opens the file as the first connection after a power cut, and reads the progress of the shop. Changes no page of the file. */
export function stateOf(path: string): State {
  rmSync(`${path}-shm`, { force: true });
  using database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare(query).all() as unknown as Row[];
  return Object.fromEntries(
    rows.map(({ name, head, count, positions, causes, keys, keyedOrders }) => {
      if (count !== head) throw new Error(`The log of ${name} has ${count} notifications up to ${head}.`);
      return [
        name,
        {
          head,
          positions: JSON.parse(positions),
          causes: JSON.parse(causes),
          keys: JSON.parse(keys),
          keyedOrders: JSON.parse(keyedOrders),
        },
      ];
    }),
  );
}

interface Row {
  readonly name: string;
  readonly head: number;
  readonly count: number;
  readonly positions: string;
  readonly causes: string;
  readonly keys: string;
  readonly keyedOrders: string;
}

/** Returns what does not fit: positions ahead of the logs, effects ahead of the positions, and keys without their events. */
export function misfitsIn(state: State): readonly string[] {
  return Object.entries(state).flatMap(([name, { positions, causes, keys, keyedOrders }]) => [
    ...Object.entries(positions)
      .filter(([upstream, position]) => position > (state[upstream]?.head ?? 0))
      .map(([upstream, position]) => `the position of ${name} in ${upstream} is ${position}`),
    ...Object.entries(causes)
      .filter(([upstream, cause]) => cause > (positions[upstream] ?? 0))
      .map(([upstream, cause]) => `${name} has an effect of ${upstream} ${cause}`),
    ...(keys.join() === keyedOrders.join() ? [] : [`${name} has keys ${keys}, but orders of ${keyedOrders}`]),
  ]);
}

/** Returns the names of the applications that differ between two states. */
export function changedIn(before: State, after: State): readonly string[] {
  return names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}
