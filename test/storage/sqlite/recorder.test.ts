import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqlite } from 'kahn/sqlite';
import { describe, it } from 'vitest';
import { recorderContract } from '../../../src/testing/recorder-contract/recorder-contract.ts';
import { sqliteLayouts } from '../../support/storages.ts';
import { testedSqliteRows } from '../tested-rows.ts';

for (const { name, optionsIn } of sqliteLayouts) {
  recorderContract(
    { describe, it },
    {
      name: `sqlite({ ${name} })`,
      async create() {
        const directory = await mkdtemp(join(tmpdir(), 'kahn-sqlite-'));
        return {
          storage: sqlite(optionsIn(directory)),
          rows: testedSqliteRows,
          cleanUp: () => rm(directory, { recursive: true }),
        };
      },
    },
  );
}
