import { expect, inject, test } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { localRunners } from '../support/runners/every-runner.ts';
import type { ConformanceCase } from './cases/case.ts';
import { cases } from './cases/cases.ts';
import { differences } from './comparison.ts';
import { type Combination, combinations } from './matrix.ts';

const inMemory = ({ kind, storageName, pipelines, batchSize }: Combination) =>
  storageName === 'memory' && pipelines === 1 && batchSize === 7 && !kind.hasThreads;

function found(tested: ConformanceCase, isChosen = inMemory) {
  const all = combinations([tested], localRunners).filter(isChosen);
  return differences(all, { postgresUrl: inject('postgresUrl'), jobs: 1, done() {} });
}

const [shop] = cases as readonly [ConformanceCase];

test('equal runs have no differences, and refused starts are checked', async () => {
  expect(await found(shop)).toEqual([]);
});

test('a run with another result is reported with its first difference', async () => {
  let runs = 0;
  const unequal: ConformanceCase = {
    ...shop,
    commands: (get) => [() => get(Orders, 'ada').place(`customer ${Math.min(1, runs++)}`)],
  };
  const [difference, ...others] = await found(unequal);
  expect(others).toEqual([]);
  expect(difference?.name).toBe('shop, stepping single-threaded on memory, 1 pipeline, batches of 7');
  expect(difference?.reason).toMatch(/expected: [\s\S]*customer 0[\s\S]*found: [\s\S]*customer 1/);
});

test('a start that must be refused and is not is reported', async () => {
  const refused = (combination: Combination) =>
    inMemory(combination) && combination.kind.startStepping === undefined;
  const all = combinations([shop], localRunners).filter(refused);
  const wrong = all.map((combination) => ({ ...combination, refusal: 'It cannot be.' }));
  const reported = await differences(wrong, { postgresUrl: '', jobs: 1, done() {} });
  expect(reported.at(0)?.reason).toContain('is not refused');
});
