import { availableParallelism, cpus } from 'node:os';
import { PostgresServer } from '../test/support/postgres-server.ts';
import { commitMicros, inNewDirectory } from './measure.ts';
import { type Options, readOptions } from './options.ts';
import { describeWakeUps } from './postgres/wake-up.ts';
import { compare } from './rounds.ts';
import { localStorages, postgresName, postgresStorage, type StorageKind } from './storages.ts';
import { header, lineOf } from './table.ts';
import { workloads } from './workloads.ts';

const options = readOptions(process.argv.slice(2));
if (options !== undefined) await main(options);

async function main(chosen: Options): Promise<void> {
  console.log(`Node ${process.versions.node}, ${availableParallelism()} x ${cpus()[0]?.model}`);
  console.log(await inNewDirectory(chosen.directory, describeCommits));
  console.log(`Medians of ${chosen.rounds} rounds each, library and bound in turn.\n\n${header}`);
  for (const storage of localStorages(chosen.directory)) await race(storage, chosen);
  await onPostgres(chosen);
}

/** Runs the chosen workloads on one storage. */
async function race(storage: StorageKind, chosen: Options): Promise<void> {
  for (const workload of workloads.filter((one) => isChosen(chosen, storage.name, one.name))) {
    console.log(lineOf(await compare(storage, workload, chosen)));
  }
}

/** Starts a server, unless there is one already, if something is chosen that needs it. */
async function onPostgres(chosen: Options): Promise<void> {
  const wakeUps = isChosen(chosen, postgresName, 'wake-up');
  if (!wakeUps && !workloads.some(({ name }) => isChosen(chosen, postgresName, name))) return;
  const url = process.env.KAHN_POSTGRES_URL;
  await using server = url === undefined ? await PostgresServer.start() : undefined;
  const connectionString = server?.url() ?? `${url}`;
  await race(postgresStorage(connectionString), chosen);
  if (wakeUps) console.log(`\n${await describeWakeUps(connectionString)}`);
}

function isChosen({ only }: Options, storage: string, what: string): boolean {
  return `${storage}, ${what}`.includes(only);
}

async function describeCommits(directory: string): Promise<string> {
  const full = await commitMicros(directory, 'FULL');
  const normal = await commitMicros(directory, 'NORMAL');
  return `A SQLite commit of one row takes ${full.toFixed(0)} us with fsync (FULL), ${normal.toFixed(0)} us without (NORMAL).`;
}
