import { MultiprocessRunner } from 'kahn';
import { vi } from 'vitest';
import { storages } from '../../support/storages.ts';
import { runnerContract } from '../runner-contract.ts';

vi.setConfig({ testTimeout: 180_000 }); // each start is that of up to nine processes

for (const { name, create } of storages.filter((storage) => storage.name !== 'memory')) {
  for (const pipelineIds of [[0], [0, 1, 2]]) {
    runnerContract({
      name: `the multiprocess runner on ${name}, pipelines ${pipelineIds}`,
      start: (system, options) => MultiprocessRunner.start(system, { ...options, pipelineIds }),
      createPersistence: create,
    });
  }
}
