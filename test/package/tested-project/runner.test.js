import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MultiThreadedRunner } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { runnerContract } from 'kahn/testing';

// Stands for the runner of another author: its threads import the systems of the tests from the package.
runnerContract(
  { describe, it },
  {
    name: 'threads',
    rows: 'sqlite',
    start: (system, options) => MultiThreadedRunner.start(system, options),
    async create() {
      const directory = await mkdtemp(join('data', 'contract-'));
      const storage = sqlite({ file: join(directory, 'system.db') });
      return { storage, cleanUp: () => rm(directory, { recursive: true, force: true }) };
    },
  },
);
