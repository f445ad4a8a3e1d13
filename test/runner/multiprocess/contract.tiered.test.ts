import { MultiprocessRunner } from 'kahn';
import { storages } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { tieredRunnerContract } from '../runner-contract.ts';

/** Several pipelines take three times as many processes, so one storage stands for both. */
const pipelinesOn: Record<string, readonly number[]> = { sqlite: [0], postgres: byTier([0], [0, 1, 2]) };

for (const { name, create } of storages.filter((storage) => storage.name in pipelinesOn)) {
  const pipelineIds = pipelinesOn[name] ?? [];
  tieredRunnerContract({
    name: `the multiprocess runner on ${name}, pipelines ${pipelineIds}`,
    start: (system, options) => MultiprocessRunner.start(system, { pipelineIds, ...options }),
    createStorage: create,
    isFirstStorage: name === 'sqlite',
    sharesSystem: true,
    takesPipelines: true,
  });
}
