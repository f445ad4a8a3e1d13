import type { System } from 'kahn';
import { equivalent, type Scenario } from 'kahn/testing';
import { expect, test } from 'vitest';
import { bank } from '../../../examples/commands/bank.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { connectionString } from '../../support/servers/postgres.ts';
import { rallies } from '../../support/systems/rallies.ts';
import { placeOrders, rally, transferMoney } from '../scenarios/scenarios.ts';

const cases: readonly [string, System, Scenario<never>][] = [
  ['a shop', shop as System, placeOrders],
  ['a bank', bank as System, transferMoney],
  ['applications that follow each other', rallies as System, rally],
];

test.each(cases)('%s is the same on all runners and storages', async (_, system, scenario) => {
  const options = { connectionString, timeLimitMs: 400_000 };
  const { ran, unavailable } = await equivalent(system, scenario as Scenario, options);
  expect(ran).toHaveLength(14);
  expect(ran[0]).toBe('SingleThreadedRunner on memory');
  expect(Object.keys(unavailable)).toEqual(['MultiprocessRunner on memory']);
  expect(unavailable['MultiprocessRunner on memory']).toContain('on the heap of this process');
});
