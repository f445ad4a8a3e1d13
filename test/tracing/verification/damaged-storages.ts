import { DatabaseSync } from 'node:sqlite';
import { type Cause, memory, type StorageDescription } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import type { ApplicationMemory } from '../../../src/storage/memory/application-memory.ts';
import { findMemory } from '../../../src/storage/memory/system-memory.ts';
import type { TableNames } from '../../../src/storage/sqlite/layout/file.ts';
import type { StoredNotification } from '../../../src/storage/stored-event.ts';
import { connectionString, query, temporarySchema } from '../../support/servers/postgres.ts';
import { oneFile, temporaryDirectory } from '../../support/storages.ts';

/** Address of a notification. */
export interface Place {
  readonly applicationName: string;
  readonly pipelineId?: number;
  readonly id: number;
}

/** Values to write over those of a notification. */
export interface Overwritten {
  readonly id?: number;
  readonly originatorVersion?: number;
  readonly cause?: Cause;
}

/** Storage with a way to damage its contents behind the back of its recorders. */
export interface DamagedStorage {
  readonly name: string;
  readonly storage: StorageDescription;
  /** Permits equal rows; missing if the storage cannot be opened without the constraints that prevent them. */
  permitEqualRows?(applicationName: string): Promise<void>;
  remove(place: Place): Promise<void>;
  overwrite(place: Place, values: Overwritten): Promise<void>;
  /** Inserts a copy of a notification with other values; the copy has its place in the order of ids. */
  copy(place: Place, values: Overwritten): Promise<void>;
  setPosition(applicationName: string, upstreamName: string, position: number): Promise<void>;
  /** Parks a notification of the aggregate with a number: the aggregate of that event, or another one. */
  park(
    applicationName: string,
    upstreamName: string,
    notificationId: number,
    originatorId: string,
  ): Promise<void>;
  /** Sets the recorded end of a log; missing if the storage records none. */
  setHead?(applicationName: string, head: number): Promise<void>;
}

/** Reason for which notifications are parked. */
const jammed = '{"error":{"name":"Error","message":"jammed"}}';

/** Creates empty storage of each kind for the running test. */
export const damagedStorages: readonly { readonly name: string; create(): DamagedStorage }[] = [
  { name: 'memory', create: damagedMemory },
  { name: 'sqlite', create: damagedSqlite },
  { name: 'postgres', create: damagedPostgres },
];

export function damagedMemory(): DamagedStorage {
  const storage = memory();
  const memoryOf = (applicationName: string) => {
    const { content } = findMemory(String(storage.options.id))!.open(applicationName, false, {});
    return content as ApplicationMemory;
  };
  const logOf = ({ applicationName, pipelineId = 0 }: Place) =>
    memoryOf(applicationName).contents.logs.get(pipelineId) as StoredNotification[];
  const indexOf = (place: Place) => logOf(place).findIndex(({ id }) => id === place.id);
  return {
    name: 'memory',
    storage,
    async permitEqualRows() {},
    async remove(place) {
      logOf(place).splice(indexOf(place), 1);
    },
    async overwrite(place, values) {
      const found = logOf(place)[indexOf(place)]!;
      logOf(place)[indexOf(place)] = { ...found, ...values };
    },
    async copy(place, values) {
      const log = logOf(place);
      log.push({ ...log[indexOf(place)]!, ...values });
      log.sort((a, b) => a.id - b.id);
    },
    async setPosition(applicationName, upstreamName, position) {
      const known = memoryOf(applicationName).positions();
      const { pipelineId, ...found } = known.find((one) => one.upstreamName === upstreamName)!;
      const tracking = { ...found, expected: found.position, position };
      memoryOf(applicationName).record(pipelineId, [{ events: [], snapshots: [], tracking }]);
    },
    async park(applicationName, upstreamName, notificationId, originatorId) {
      const content = { originatorId, isDue: false, attempts: 1, since: 0, reason: jammed };
      const parked = [{ upstreamName, notificationId, expected: 0, content }];
      memoryOf(applicationName).record(0, [{ events: [], snapshots: [], parked }]);
    },
  };
}

function damagedSqlite(): DamagedStorage {
  const directory = temporaryDirectory();
  const run = async (applicationName: string, text: string, values: readonly (string | number | null)[]) => {
    using database = new DatabaseSync(oneFile.fileOf(directory, applicationName).path);
    database.prepare(text.replaceAll('$', '?')).run(...values);
  };
  const tableOf = (table: keyof TableNames, applicationName: string) =>
    oneFile.fileOf(directory, applicationName).tables[table];
  return {
    name: 'sqlite',
    storage: sqlite({ ...oneFile.optionsIn(directory), synchronous: 'NORMAL' }),
    ...damageBySql(tableOf, run),
  };
}

function damagedPostgres(): DamagedStorage {
  const schema = temporarySchema();
  const tableOf = (table: string, applicationName: string) => `${schema}.${applicationName}_${table}`;
  const run = async (_applicationName: string, text: string, values: unknown[]) =>
    void (await query(text, values));
  return {
    name: 'postgres',
    storage: postgres({ connectionString, schema }),
    async permitEqualRows(applicationName) {
      const table = tableOf('events', applicationName);
      const found = await query(
        `select conname from pg_constraint where contype in ('u', 'p') and conrelid = '${table}'::regclass`,
      );
      for (const { conname } of found) await query(`alter table ${table} drop constraint ${conname}`);
    },
    ...damageBySql(tableOf, run, ['commit_id'], 'false'),
    setHead: (applicationName, head) =>
      run(applicationName, `update ${tableOf('logs', applicationName)} set head = $1`, [head]),
  };
}

type Value = string | number | null;

function damageBySql(
  tableOf: (table: 'events' | 'positions' | 'parked', applicationName: string) => string,
  run: (applicationName: string, text: string, values: Value[]) => Promise<void>,
  otherColumns: readonly string[] = [],
  falseText = '0',
): Pick<DamagedStorage, 'remove' | 'overwrite' | 'copy' | 'setPosition' | 'park'> {
  const where = 'where pipeline_id = $1 and notification_id = $2';
  return {
    remove: ({ applicationName, pipelineId = 0, id }) =>
      run(applicationName, `delete from ${tableOf('events', applicationName)} ${where}`, [pipelineId, id]),
    async overwrite({ applicationName, pipelineId = 0, id }, values) {
      const columns = columnsOf(values);
      const changes = [...columns.keys()].map((column, i) => `${column} = $${i + 3}`).join(', ');
      const table = tableOf('events', applicationName);
      await run(applicationName, `update ${table} set ${changes} ${where}`, [
        pipelineId,
        id,
        ...columns.values(),
      ]);
    },
    async copy({ applicationName, pipelineId = 0, id }, values) {
      const columns = columnsOf(values);
      const kept =
        `pipeline_id notification_id originator_id originator_version type data timestamp dependencies
        cause_name cause_pipeline_id cause_id correlation_id metadata`
          .split(/\s+/)
          .concat(otherColumns)
          .filter((column) => !columns.has(column));
      const types = [...columns].map(
        ([, value], i) => `cast($${i + 3} as ${typeof value === 'string' ? 'text' : 'bigint'})`,
      );
      const table = tableOf('events', applicationName);
      const text = `insert into ${table} (${[...kept, ...columns.keys()].join(', ')})
        select ${[...kept, ...types].join(', ')} from ${table} ${where}`;
      await run(applicationName, text, [pipelineId, id, ...columns.values()]);
    },
    setPosition: (applicationName, upstreamName, position) =>
      run(
        applicationName,
        `update ${tableOf('positions', applicationName)} set position = $1 where upstream_name = $2`,
        [position, upstreamName],
      ),
    park(applicationName, upstreamName, notificationId, originatorId) {
      const others = otherColumns.map((column) => `, ${column}`).join('');
      const zeros = otherColumns.map(() => ', 0').join('');
      return run(
        applicationName,
        `insert into ${tableOf('parked', applicationName)}
          (revision, pipeline_id, upstream_name, notification_id, originator_id, is_due, attempts, since, reason${others})
        values (1, 0, $1, $2, $3, ${falseText}, 1, 0, '${jammed}'${zeros})`,
        [upstreamName, notificationId, originatorId],
      );
    },
  };
}

function columnsOf({ id, originatorVersion, cause }: Overwritten): ReadonlyMap<string, Value> {
  const columns = new Map<string, Value>();
  if (id !== undefined) columns.set('notification_id', id);
  if (originatorVersion !== undefined) columns.set('originator_version', originatorVersion);
  if (cause === undefined) return columns;
  columns.set('cause_name', cause.applicationName);
  columns.set('cause_pipeline_id', cause.pipelineId);
  return columns.set('cause_id', cause.notificationId);
}
