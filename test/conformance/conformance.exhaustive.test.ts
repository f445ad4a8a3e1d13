import { expect, test } from 'vitest';
import { localRunners, restateKind } from '../support/runners/every-runner.ts';
import { seed } from '../support/seed.ts';
import { connectionString } from '../support/servers/postgres.ts';
import { RestateEngine } from '../support/servers/restate-engine.ts';
import { cases } from './cases/cases.ts';
import { differences } from './comparison.ts';
import { type Combination, combinations } from './matrix.ts';

/** Each run of the tests takes one part of so many. */
const parts = 16;

/** Whether all runs of a case are compared with this one. */
function isReference({ kind, storageName, pipelines, batchSize, tested }: Combination): boolean {
  const isInOneThread = kind.name === 'single-threaded' || kind.name === 'stepping single-threaded';
  const name = tested.hasRows ? 'sqlite' : 'memory';
  return isInOneThread && storageName === name && pipelines === 1 && batchSize === 500;
}

test(`a part of all combinations of systems, runners, storages, pipelines and batch sizes, with seed ${seed}`, async () => {
  await using engine = await RestateEngine.start();
  const all = combinations(cases, [...localRunners, restateKind(() => engine)]);
  const chosen = all.filter((_, i) => i % parts === seed % parts);
  const references = all.filter(isReference);
  const others = new Set(chosen).difference(new Set(references));
  const options = { postgresUrl: connectionString, jobs: 2, done() {} };
  expect(await differences([...references, ...others], options)).toEqual([]);
});
