import type { StorageDescription, System } from 'kahn';
import { type Scenario, survivesEveryCrash } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { bank } from '../../../examples/commands/bank.ts';
import { airTravel } from '../../../examples/flights/system.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { storages } from '../../support/storages.ts';
import { rallies } from '../../support/systems/rallies.ts';
import { byTier } from '../../support/tier.ts';
import {
  compensate,
  labelDesk,
  listedInPostgres,
  listedOrders,
  listOrders,
  placeOrders,
  printLabels,
  rally,
  transferMoney,
} from '../scenarios/scenarios.ts';

const cases: readonly [string, (storageName: string) => System, Scenario<never>][] = [
  ['a shop', () => shop as System, placeOrders],
  ['a bank', () => bank as System, transferMoney],
  ['air travel', () => airTravel as System, compensate],
  ['applications that follow each other', () => rallies as System, rally],
  ['a projection', (name) => (name === 'postgres' ? listedInPostgres : listedOrders) as System, listOrders],
  ['parked notifications', () => labelDesk as System, printLabels],
];

describe.each(byTier(storages.slice(0, 1), storages))('on $name', ({ name, create }) => {
  test.each(byTier(cases.slice(0, 1), cases))('%s survives every crash', async (what, systemOn, scenario) => {
    const storagesOf: Record<string, () => StorageDescription> = { [name]: create };
    const options = { storages: storagesOf, timeLimitMs: 500_000, runTimeoutMs: 60_000 };
    const survived = await survivesEveryCrash(systemOn(name), scenario as Scenario, options);
    process.stdout.write(`${what} on ${name}: ${survived.crashes} crashes survived\n`);
    expect(survived).toEqual({
      crashes: survived.crashes,
      byStorage: { [name]: survived.crashes },
      skipped: 0,
      unavailable: {},
    });
    expect(survived.crashes).toBeGreaterThan(10);
  });
});
