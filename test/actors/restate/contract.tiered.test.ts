import type { ApplicationClass, RunnerOptions, System } from 'kahn';
import { afterAll, beforeAll } from 'vitest';
import { restoredLogsContract } from '../../runner/restored-logs/contract.ts';
import { tieredRunnerContract } from '../../runner/runner-contract.ts';
import { versionsContract } from '../../runner/versions-contract.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { startOnRestate } from '../../support/servers/restate-runner.ts';
import { storages } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

for (const { name, create } of storages.filter((openedStorage) => openedStorage.name !== 'memory')) {
  const subject = {
    name: `the Restate runner on ${name}`,
    start: <Apps extends ApplicationClass>(system: System<Apps>, options: RunnerOptions) =>
      startOnRestate(engine, system, options),
    createStorage: create,
    isFirstStorage: name === 'sqlite',
    takesPipelines: true,
  };
  tieredRunnerContract(subject);
  if (name === byTier('sqlite', 'postgres')) versionsContract(subject);
  if (name === byTier('sqlite', 'postgres')) restoredLogsContract(subject);
}
