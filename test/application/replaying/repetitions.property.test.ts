import fc from 'fast-check';
import { memory, run, type SystemRunner } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect, test } from 'vitest';
import { assertSound } from '../../support/logs.ts';
import { propertyRuns } from '../../support/seed.ts';
import { type Apps, Orders, plainFromEnd, system } from '../../support/systems/invoicing.ts';
import { until } from '../../support/until.ts';

const because = { by: 'ada', reason: 'drill' };

/** Reads the histories of all applications. */
async function historiesOf(runner: SystemRunner<Apps>): Promise<readonly string[]> {
  return await canonicalHistories(
    runner.system.applications.map((one) => runner.get(one as Apps)),
    { causes: true },
  );
}

const customers = fc.array(fc.constantFrom('ada', 'bob', 'eve'), { maxLength: 6 });

test('to begin at the end, and to replay or reset everything before, is to begin at the start', async () => {
  await fc.assert(
    fc.asyncProperty(
      customers,
      customers,
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      async (some, more, isReset, batchSize) => {
        await using fromStart = await run(system, { storage: memory() });
        await fromStart.get(Orders).place(...some, ...more);
        const expected = await historiesOf(fromStart);
        await fromStart.close();

        const storage = memory();
        const orders = await system.open(Orders, { storage });
        await orders.place(...some);
        await orders.close();
        await using runner = await run(plainFromEnd, { storage, batchSize });
        const invoices = plainFromEnd.applications[1] as Apps;
        await runner.get(Orders).place(...more);
        if (isReset) await runner.reset(invoices, { at: 'start', ...because });
        else await runner.replay(invoices, because);
        await until('everything is handled', async () => {
          const [, status] = await runner.status();
          return status?.replays === undefined && status?.upstreams[0]?.lag === 0;
        });
        expect((await historiesOf(runner)).toSorted()).toEqual(expected.toSorted());
        await runner.close();
        await assertSound(storage, plainFromEnd);
      },
    ),
    propertyRuns(10, 200),
  );
});
