import { MultiThreadedRunner } from 'kahn';
import { storages } from '../../support/storages.ts';
import { tieredRunnerContract } from '../runner-contract.ts';

for (const { name, create } of storages) {
  tieredRunnerContract({
    name: `the multi-threaded runner on ${name}`,
    start: (system, options) => MultiThreadedRunner.start(system, options),
    createStorage: create,
    isFirstStorage: name === 'memory',
    takesPipelines: true,
  });
}
