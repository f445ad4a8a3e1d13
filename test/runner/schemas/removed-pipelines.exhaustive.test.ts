import { MultiThreadedRunner, run, type SystemRunner } from 'kahn';
import { describe, expect, test } from 'vitest';
import { listedOn } from '../../support/projections/listed-orders.ts';
import { type CustomerList, Order, type OrderList, Orders } from '../../support/projections/order-list.ts';
import { storages } from '../../support/storages.ts';
import { until } from '../../support/until.ts';
import { watchWarnings } from '../../support/watchers/warnings.ts';

type Apps = typeof Orders | typeof OrderList | typeof CustomerList;

const pipelineIds = [0, 1, 2];

const isLive = async (runner: SystemRunner<Apps>): Promise<boolean> =>
  (await runner.status()).every(({ building }) => building === undefined);

describe.each(storages.filter(({ name }) => name !== 'memory'))(
  'a new schema without all pipelines of the live one, on $name',
  ({ create }) => {
    test('is kept behind the live one, with a warning, until these pipelines run again', async () => {
      const storage = create();
      const { first, second, next } = listedOn(storage);
      const Next = next as unknown as typeof CustomerList;
      {
        await using runner = await MultiThreadedRunner.start(first as never, { storage, pipelineIds });
        for (const [pipelineId, customer] of ['ada', 'bob', 'cyd'].entries())
          await (runner.get(Orders as never, pipelineId) as Orders).save(Order.place(customer));
        await runner.caughtUp();
      }
      {
        const warnings = watchWarnings();
        await using runner = (await run(second as never, { storage })) as SystemRunner<Apps>;
        await until('the warning is given', () => warnings.length > 0);
        expect(warnings).toMatchObject([
          {
            name: 'KahnWarning',
            code: 'KAHN_SCHEMA_KEPT',
            message:
              "Projection 'order-list' stays at schema 1: it has rows of pipelines 1, 2, where no runner builds schema 2. " +
              'To switch to schema 2, run pipelines 1, 2 until it is live.',
          },
        ]);
        expect(await isLive(runner)).toBe(false);
        const { schema, rows } = await runner.get(Next).customers();
        expect([schema, rows.length]).toEqual([1, 3]);
      }
      await using runner = (await MultiThreadedRunner.start(second as never, {
        storage,
        pipelineIds,
      })) as unknown as SystemRunner<Apps>;
      await until('the next schema is live', () => isLive(runner));
      const { schema, rows } = await runner.get(Next).customers();
      expect([schema, rows.length]).toEqual([2, 3]);
    });
  },
);
