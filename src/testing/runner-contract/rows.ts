import assert from 'node:assert/strict';
import { placeMany } from './log-contents.ts';
import { PostgresTallies, postgresTalliedShop, sqliteTalliedShop, Tallies } from './tallies.ts';
import type { Test } from './tested-runner.ts';

/** Rows of projections. */
export function rows(test: Test): void {
  test('records the rows of a projection once for each event, whatever restarts', async (tested) => {
    const [system, tallies] =
      tested.rows === 'postgres' ? [postgresTalliedShop, PostgresTallies] : [sqliteTalliedShop, Tallies];
    for (const restart of [1, 2, 3]) {
      const runner = await tested.start(system);
      await placeMany(runner, 4);
      if (restart === 3) {
        await runner.caughtUp({ signal: tested.signal });
        assert.deepEqual(await runner.get(tallies).counts(), {
          'Order.Placed': 12,
          'Order.Reserved': 12,
          'Order.Paid': 12,
        });
      }
      await runner.close();
    }
  });
}
