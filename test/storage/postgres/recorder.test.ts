import { postgres } from 'kahn/postgres';
import { describe, it } from 'vitest';
import { recorderContract } from '../../../src/testing/recorder-contract/recorder-contract.ts';
import { connectionString, query } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { testedPostgresRows } from '../tested-rows.ts';

recorderContract(
  { describe, it },
  {
    name: 'postgres',
    async create() {
      const schema = freshName('recorder');
      return {
        storage: postgres({ connectionString, schema }),
        rows: testedPostgresRows(schema),
        cleanUp: async () => void (await query(`drop schema if exists ${schema} cascade`)),
      };
    },
  },
);
