import { SteppingMultiThreadedRunner, SteppingSingleThreadedRunner } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { temporaryDirectory } from '../../support/storages.ts';
import { restoredLogsContract } from './contract.ts';

for (const Runner of [SteppingSingleThreadedRunner, SteppingMultiThreadedRunner]) {
  restoredLogsContract({
    name: Runner.name,
    start: (system, options) => Runner.start(system, { ...options, normalSpeed: 200, pollIntervalMs: 20 }),
    createStorage: () => sqlite({ directory: temporaryDirectory(), synchronous: 'NORMAL' }),
  });
}
