import { memory, run, type System, type SystemRunner } from 'kahn';
import type { Scenario } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { bank } from '../../../examples/commands/bank.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { differenceOf } from '../../../src/testing/scenarios/differences.ts';
import { runScenario } from '../../../src/testing/scenarios/run-scenario.ts';
import { temporarySqlite } from '../../support/storages.ts';
import { rallies } from '../../support/systems/rallies.ts';
import { placeOrders, rally, transferMoney } from './scenarios.ts';

const cases: readonly [string, System, Scenario<never>, number][] = [
  ['a shop', shop as System, placeOrders, 3 * 3 + 1],
  ['a bank', bank as System, transferMoney, 2 + 3 + 3 + 1],
  ['rallies', rallies as System, rally, 15],
];

const start = (system: System) => (storage: ReturnType<typeof memory>) =>
  run(system, { storage }) as Promise<SystemRunner>;

describe.each(cases)('the scenario of %s', (_, system, scenario, histories) => {
  const runOn = (storage: ReturnType<typeof memory>) =>
    runScenario(system, scenario as Scenario, { storage, start: start(system) });

  test('leaves the same on record in each storage', async () => {
    const first = await runOn(memory());
    expect(first.faults).toEqual([]);
    expect(first.state).toHaveLength(histories);
    expect(differenceOf(first.state, (await runOn(temporarySqlite())).state)).toBeUndefined();
  });

  test('leaves the same on record if the runner is restarted all the time', async () => {
    const first = await runOn(memory());
    const storage = temporarySqlite();
    let restarts = 0;
    const second = await runScenario(system, scenario as Scenario, {
      storage,
      start: start(system),
      meanwhile: async (runner) => {
        while (restarts < 5) {
          await runner.restart();
          restarts = runner.restarts;
        }
      },
    });
    expect(restarts).toBe(5);
    expect(second.faults).toEqual([]);
    expect(differenceOf(first.state, second.state)).toBeUndefined();
  });
});

test('shows the first difference of two states', () => {
  const expected = ['orders id-0123456789abcdef\n  Created {}\n  Paid {}', 'orders a\n  Created {}'];
  const actual = ['orders id-1123456789abcdef\n  Created {}\n  Paid {}\n  Paid {}', 'orders a\n  Created {}'];
  expect(differenceOf(expected, actual)).toBe('  orders id\n    Created {}\n    Paid {}\n+   Paid {}');
  expect(differenceOf(expected, expected)).toBeUndefined();
});

test('a history that differs only by the label of another one is not counted', () => {
  const [label, other] = ['id-00000000000000aa', 'id-00000000000000bb'];
  const expected = [`bills ${label}\n  Sent {"number":1}`, `letters l-1\n  Written {"bill":"${label}"}`];
  const actual = [`bills ${other}\n  Sent {"number":2}`, `letters l-1\n  Written {"bill":"${other}"}`];
  expect(differenceOf(expected, actual)).toBe('  bills id\n-   Sent {"number":1}\n+   Sent {"number":2}');
  expect(differenceOf(expected.slice(1), actual.slice(1))).toContain(label);
});
