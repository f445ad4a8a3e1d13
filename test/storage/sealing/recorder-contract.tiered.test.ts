import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { describe, it } from 'vitest';
import {
  type RecorderSubject,
  recorderContract,
} from '../../../src/testing/recorder-contract/recorder-contract.ts';
import { connectionString, query } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { byTier } from '../../support/tier.ts';
import { sealedLayers, sealings } from './layers.ts';

const subjects: Record<string, RecorderSubject['create']> = {
  memory: async () => ({ storage: memory(), cleanUp: async () => {} }),
  ...byTier({}, {
    sqlite: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'kahn-sealing-'));
      return {
        storage: sqlite({ file: join(directory, 'shop.db') }),
        cleanUp: () => rm(directory, { recursive: true }),
      };
    },
    postgres: async () => {
      const schema = freshName('sealing');
      return {
        storage: postgres({ connectionString, schema }),
        cleanUp: async () => void (await query(`drop schema if exists ${schema} cascade`)),
      };
    },
  } satisfies Record<string, RecorderSubject['create']>),
};

for (const [name, create] of Object.entries(subjects)) {
  for (const sealed of byTier(['compressed and encrypted'], Object.keys(sealings)))
    recorderContract({ describe, it }, { name: `${sealed} ${name}`, layers: sealedLayers(sealed), create });
}
