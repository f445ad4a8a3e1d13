import { SteppingMultiThreadedRunner, SteppingSingleThreadedRunner } from 'kahn';
import { storages } from '../../support/storages.ts';
import { tieredRunnerContract } from '../runner-contract.ts';

for (const { name, create } of storages) {
  tieredRunnerContract({
    name: `the stepping single-threaded runner on ${name}`,
    start: (system, options) => SteppingSingleThreadedRunner.start(system, { ...options, scaleFactor: 0 }),
    createStorage: create,
    isFirstStorage: name === 'memory',
  });
  tieredRunnerContract({
    name: `the stepping multi-threaded runner on ${name}`,
    start: (system, options) => SteppingMultiThreadedRunner.start(system, { ...options, scaleFactor: 0 }),
    createStorage: create,
    isFirstStorage: name === 'memory',
  });
}
