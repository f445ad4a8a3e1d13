import type { System } from 'kahn';
import { equivalent, type Scenario } from 'kahn/testing';
import { expect, test } from 'vitest';
import { bank } from '../../../examples/commands/bank.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { connectionString } from '../../support/servers/postgres.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { startOnRestate } from '../../support/servers/restate-runner.ts';
import { rallies } from '../../support/systems/rallies.ts';
import { placeOrders, rally, transferMoney } from '../scenarios/scenarios.ts';

const cases: readonly [string, System, Scenario<never>][] = [
  ['a shop', shop as System, placeOrders],
  ['a bank', bank as System, transferMoney],
  ['applications that follow each other', rallies as System, rally],
];

test.each(cases)('%s is the same on all runners and storages', async (_, system, scenario) => {
  await using engine = await RestateEngine.start();
  const otherRunners = { RestateRunner: (bound: System) => startOnRestate(engine, bound, {}) };
  const options = { connectionString, otherRunners, timeLimitMs: 500_000 };
  const { ran, unavailable } = await equivalent(system, scenario as Scenario, options);
  expect(ran).toHaveLength(16);
  expect(ran[0]).toBe('SingleThreadedRunner on memory');
  expect(ran.slice(-2)).toEqual(['RestateRunner on SQLite', 'RestateRunner on PostgreSQL']);
  expect(Object.keys(unavailable)).toEqual(['MultiprocessRunner on memory', 'RestateRunner on memory']);
  for (const reason of Object.values(unavailable)) expect(reason).toContain('on the heap of this process');
});
