import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { memory, type StorageDescription } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { connectionString, query, temporarySchema } from './servers/postgres.ts';
import { temporaryDirectory } from './storages.ts';

/** A storage whose tables refuse some rows. */
export interface RefusingStorage {
  readonly storage: StorageDescription;
  /**
   * Makes the tables of an application refuse events whose data has the text `event refused`, events whose data has
   * `unique` and equals that of a recorded event, and snapshots whose state has the text `state refused`. Call it once the
   * application has tables. The memory refuses nothing.
   */
  refuse(applicationName: string): Promise<void>;
  readonly refuses: boolean;
}

/** All storages. `create` returns an empty one for the running test. */
export const refusingStorages: readonly { readonly name: string; create(): RefusingStorage }[] = [
  { name: 'memory', create: memoryStorage },
  { name: 'sqlite', create: sqliteStorage },
  { name: 'postgres', create: postgresStorage },
];

function memoryStorage(): RefusingStorage {
  return { storage: memory(), refuse: async () => {}, refuses: false };
}

function sqliteStorage(): RefusingStorage {
  const directory = temporaryDirectory();
  const refuse = async (applicationName: string) => {
    const database = new DatabaseSync(join(directory, `${applicationName}.sqlite`));
    database.exec(`
      create trigger refused_event before insert on events when new.data like '%event refused%'
        begin select raise(abort, 'refused'); end;
      create trigger refused_snapshot before insert on snapshots when new.state like '%state refused%'
        begin select raise(abort, 'refused'); end;
      create unique index unique_data on events (data) where data like '%unique%'`);
    database.close();
  };
  const storage = sqlite({ directory, synchronous: 'NORMAL' });
  return { storage, refuse, refuses: true };
}

function postgresStorage(): RefusingStorage {
  const schema = temporarySchema();
  const refuse = async (applicationName: string) => {
    await query(
      `alter table ${schema}.${applicationName}_events add check (data not like '%event refused%')`,
    );
    await query(
      `alter table ${schema}.${applicationName}_snapshots add check (state not like '%state refused%')`,
    );
    await query(
      `create unique index on ${schema}.${applicationName}_events (data) where data like '%unique%'`,
    );
  };
  return { storage: postgres({ connectionString, schema }), refuse, refuses: true };
}
