import { availableParallelism, cpus } from 'node:os';
import { baselineComparison } from './baseline-comparison.ts';
import { growth } from './growth.ts';
import { longAggregates } from './long-aggregates.ts';
import { commitMicros, inNewDirectory } from './measure.ts';
import { type Options, readOptions } from './options.ts';
import { personalData } from './personal-data.ts';
import { BenchServer } from './postgres/bench-server.ts';
import { wakeUp } from './postgres/wake-up.ts';
import { parallel } from './processes/parallel.ts';
import { projections } from './projections/projections.ts';
import { provenance } from './provenance.ts';
import { remoteLatency } from './remote/latency.ts';
import { remoteReading } from './remote/reading.ts';
import { pipelines } from './restate/pipelines.ts';
import { sealing } from './sealing.ts';
import type { Section } from './section.ts';
import { memoryKind, postgresKind, type StorageKind, sqliteKind } from './storages.ts';
import { latency } from './threads/latency.ts';
import { throughput } from './threads/throughput.ts';
import { ticks } from './ticks.ts';
import { validation } from './validation.ts';
import { verification } from './verification.ts';

const options = readOptions(process.argv.slice(2));
if (options !== undefined) await main(options);

async function main(chosen: Options): Promise<void> {
  console.log(`Node ${process.versions.node}, ${availableParallelism()} x ${cpus()[0]?.model}`);
  console.log(await inNewDirectory(chosen.directory, describeCommits));
  await using server = new BenchServer();
  const storages = [
    memoryKind,
    sqliteKind(chosen.directory, 'FULL'),
    sqliteKind(chosen.directory, 'NORMAL'),
    sqliteKind(chosen.directory, 'FULL', 'directory'),
    postgresKind(() => server.url()),
  ];
  for (const section of [
    baselineComparison,
    provenance,
    validation,
    personalData,
    sealing,
    verification,
    projections,
    growth,
    longAggregates,
    wakeUp,
    throughput,
    latency,
    parallel,
    remoteReading,
    remoteLatency,
    ticks,
    pipelines,
  ])
    await print(section, storages, chosen);
}

/** Prints the chosen measurements of a section. */
async function print(section: Section, storages: readonly StorageKind[], chosen: Options): Promise<void> {
  const measurements = storages.flatMap((storage) =>
    section.on(storage).filter(({ name }) => `${storage.name}, ${name}`.includes(chosen.only)),
  );
  if (measurements.length === 0) return;
  console.log(`\n${await section.heading(chosen)}`);
  for (const { run } of measurements) console.log(await run(chosen));
}

async function describeCommits(directory: string): Promise<string> {
  const full = await commitMicros(directory, 'FULL');
  const normal = await commitMicros(directory, 'NORMAL');
  return `A SQLite commit of one row takes ${full.toFixed(0)} us with fsync (FULL) and ${normal.toFixed(0)} us without (NORMAL).`;
}
