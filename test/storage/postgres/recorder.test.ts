import { postgres } from 'kahn/postgres';
import { describe, it } from 'vitest';
import { recorderContract } from '../../../src/testing/recorder-contract/recorder-contract.ts';
import { connectionString, query } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';

recorderContract(
  { describe, it },
  {
    name: 'postgres',
    async create() {
      const schema = freshName('recorder');
      return {
        storage: postgres({ connectionString, schema }),
        cleanUp: async () => void (await query(`drop schema if exists ${schema} cascade`)),
      };
    },
  },
);
