import {
  MultiprocessRunner,
  MultiThreadedRunner,
  run,
  type StorageDescription,
  type System,
  type SystemRunner,
  verify,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { listedOn } from '../../support/projections/listed-orders.ts';
import { type CustomerList, Order, type OrderList, Orders } from '../../support/projections/order-list.ts';
import { storages } from '../../support/storages.ts';
import { inTime, until } from '../../support/until.ts';

type Apps = typeof Orders | typeof OrderList | typeof CustomerList;

/** A way to run two pipelines: returns the runners, of which each runs at least one. */
interface Way {
  readonly name: string;
  start(system: System, storage: StorageDescription): readonly Promise<SystemRunner>[];
}

const pipelineIds = [0, 1];
const ways: readonly Way[] = [
  {
    name: 'threads',
    start: (system, storage) => [
      MultiThreadedRunner.start(system, { storage, pipelineIds, pollIntervalMs: 20 }),
    ],
  },
  {
    name: 'processes',
    start: (system, storage) => [
      MultiprocessRunner.start(system, { storage, pipelineIds, pollIntervalMs: 20 }),
    ],
  },
  {
    name: 'a single thread and a host of processes',
    start: (system, storage) => [
      run(system.bind(storage), { pollIntervalMs: 20 }),
      MultiprocessRunner.start(system.bind(storage), { pipelineIds: [1], pollIntervalMs: 20 }),
    ],
  },
];

/** Runs a system in both pipelines; hands on runners of pipeline 0 and of pipeline 1. */
async function running(
  way: Way,
  system: System,
  storage: StorageDescription,
  work: (runners: readonly [SystemRunner<Apps>, SystemRunner<Apps>]) => Promise<void>,
): Promise<void> {
  await using started = new AsyncDisposableStack();
  const runners = [];
  for (const starting of way.start(system, storage)) runners.push(started.use(await starting));
  await work([runners[0], runners.at(-1)] as never);
}

describe.each(storages.filter(({ name }) => name !== 'memory'))(
  'a projection in two pipelines on $name',
  ({ create }) => {
    test.each(ways)('is built, switched and read in $name', async (way) => {
      const storage = create();
      const { first, second, list, next } = listedOn(storage);
      const List = list as typeof OrderList;
      const Next = next as unknown as typeof CustomerList;
      const place = async (
        runners: readonly [SystemRunner<Apps>, SystemRunner<Apps>],
        by: typeof OrderList,
        customers: readonly [string, string],
      ) => {
        for (const pipelineId of pipelineIds) {
          const runner = runners[pipelineId]! as SystemRunner<Apps> & {
            get(kind: typeof Orders, pipelineId: number): Orders;
          };
          const saved = await runner.get(Orders, pipelineId).save(Order.place(customers[pipelineId]!));
          await runner.processed(saved, { by, signal: inTime() });
        }
      };
      await running(way, first as System, storage, async (runners) => {
        await place(runners, List, ['ada', 'bob']);
        await place(runners, List, ['cyd', 'ada']);
        for (const runner of runners) {
          const orders = await runner.get(List).orders();
          expect(orders.map(({ customer }) => customer)).toEqual(['ada', 'ada', 'bob', 'cyd']);
          const status = (await runner.status()).filter(
            ({ applicationName }) => applicationName === 'order-list',
          );
          for (const { upstreams } of status) expect(upstreams).toMatchObject([{ position: 2, lag: 0 }]);
        }
      });
      await running(way, second as System, storage, async (runners) => {
        await until('the next schema is live in all pipelines', async () =>
          (await Promise.all(runners.map((one) => one.status())))
            .flat()
            .every(({ building }) => building === undefined),
        );
        await place(runners, Next, ['bob', 'cyd']);
        for (const runner of runners) {
          const { schema, rows } = await runner.get(Next).customers();
          const found = rows as readonly { customer: string; orders: unknown }[];
          expect([schema, found.map(({ customer, orders }) => [customer, Number(orders)])]).toEqual([
            2,
            [
              ['ada', 2],
              ['bob', 2],
              ['cyd', 2],
            ],
          ]);
        }
      });
      const verified = String(await verify(storage, second as System));
      expect(verified).toContain('0 lost, 0 doubled');
    });
  },
);
