import assert from 'node:assert/strict';
import type { ApplicationClass } from '../../application/application.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import type { System } from '../../system/system.ts';
import { messageOf } from '../../util/errors.ts';
import { placeMany } from './log-contents.ts';
import { PostgresTallies, postgresTalliedShop, sqliteTalliedShop, Tallies } from './tallies.ts';
import type { Test, TestedRunner } from './tested-runner.ts';

/** Rows of projections. */
export function rows(test: Test): void {
  test('records the rows of a projection once for each event, whatever restarts', async (tested) => {
    const [system, tallies] =
      tested.rows === 'postgres' ? [postgresTalliedShop, PostgresTallies] : [sqliteTalliedShop, Tallies];
    for (const restart of [1, 2]) {
      const runner = await startWithRows(tested, system);
      await placeMany(runner, 4);
      if (restart === 2) {
        await runner.caughtUp({ signal: tested.signal });
        assert.deepEqual(await runner.get(tallies).counts(), {
          'Order.Placed': 8,
          'Order.Reserved': 8,
          'Order.Paid': 8,
        });
      }
      await runner.close();
    }
  });
}

/** Starts a runner on a system with a projection. A failure names the property of the subject on which it depends. */
async function startWithRows<Apps extends ApplicationClass>(
  tested: TestedRunner,
  system: System<Apps>,
): Promise<SystemRunner<Apps>> {
  try {
    return await tested.start(system);
  } catch (cause) {
    const message =
      `The subject has rows: '${tested.rows}', but its runner does not start with a projection: ${messageOf(cause)} ` +
      'Let create() return storage whose rows the threads or processes of the runner share, or leave out `rows`.';
    throw Object.assign(new assert.AssertionError({ message }), { cause });
  }
}
