import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqlite } from 'kahn/sqlite';
import { describe, it } from 'vitest';
import { recorderContract } from '../../../src/testing/recorder-contract/recorder-contract.ts';

recorderContract(
  { describe, it },
  {
    name: 'sqlite',
    async create() {
      const directory = await mkdtemp(join(tmpdir(), 'kahn-sqlite-'));
      return { storage: sqlite({ directory }), cleanUp: () => rm(directory, { recursive: true }) };
    },
  },
);
