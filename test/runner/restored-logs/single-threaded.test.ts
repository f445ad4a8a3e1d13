import { SingleThreadedRunner } from 'kahn';
import { storages } from '../../support/storages.ts';
import { restoredLogsContract } from './contract.ts';

for (const { name, create } of storages.filter((one) => one.name !== 'memory')) {
  restoredLogsContract({
    name: `the single-threaded runner on ${name}`,
    start: (system, options) => SingleThreadedRunner.start(system, { ...options, pollIntervalMs: 20 }),
    createStorage: create,
  });
}
