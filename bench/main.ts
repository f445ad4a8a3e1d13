import { availableParallelism, cpus } from 'node:os';
import { commitMicros, inNewDirectory } from './measure.ts';
import { type Options, readOptions } from './options.ts';
import { compare } from './rounds.ts';
import { storages } from './storages.ts';
import { header, lineOf } from './table.ts';
import { workloads } from './workloads.ts';

const options = readOptions(process.argv.slice(2));
if (options !== undefined) await main(options);

async function main(chosen: Options): Promise<void> {
  console.log(`Node ${process.versions.node}, ${availableParallelism()} x ${cpus()[0]?.model}`);
  console.log(await inNewDirectory(chosen.directory, describeCommits));
  console.log(`Medians of ${chosen.rounds} rounds each, library and bound in turn.\n\n${header}`);
  for (const storage of storages) {
    for (const workload of workloads) {
      const name = `${storage.name}, ${workload.name}`;
      if (name.includes(chosen.only)) console.log(lineOf(await compare(storage, workload, chosen)));
    }
  }
}

async function describeCommits(directory: string): Promise<string> {
  const full = await commitMicros(directory, 'FULL');
  const normal = await commitMicros(directory, 'NORMAL');
  return `A SQLite commit of one row takes ${full.toFixed(0)} us with fsync (FULL), ${normal.toFixed(0)} us without (NORMAL).`;
}
