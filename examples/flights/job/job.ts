import { styleText } from 'node:util';
import { SingleThreadedRunner } from 'kahn';
import { Flights } from '../flights.ts';
import { airTravel } from '../system.ts';
import { readRecords } from './dataset.ts';
import { compare } from './figures/comparison.ts';
import { directPass } from './figures/direct-pass.ts';
import { recordedFigures } from './figures/figures.ts';
import { report, throughput, verdict } from './figures/report.ts';
import { importFlights } from './import.ts';
import type { Options } from './options.ts';
import { Progress } from './progress.ts';
import { type RecordedBefore, recordedBefore } from './recorded-before.ts';
import { count } from './text.ts';

/** Processes the remaining flights, prints the results, and resolves with whether every figure is right. */
export async function runJob(options: Options, signal: AbortSignal): Promise<boolean> {
  const { dataset, location } = options;
  const { storage } = location;
  const print = (text: string) => process.stdout.write(text);
  const records = await readRecords(options.file);
  const before = await recordedBefore(options, records);
  print(opening(options, records.length, before));

  const startedAt = performance.now();
  await using runner = await SingleThreadedRunner.start(airTravel, { storage, signal });
  {
    using bar = new Progress(process.stdout, records.length, before.flights);
    const progress = (done: number) => bar.show(done);
    const flights = runner.get(Flights);
    await importFlights({ flights, dataset, records, done: before.flights, signal, progress });
  }
  const seconds = (performance.now() - startedAt) / 1_000;

  const heads = await Promise.all(airTravel.applications.map((kind) => runner.get(kind).log.head()));
  const events = heads.reduce((sum, head) => sum + head, 0) - before.events;
  const figures = await recordedFigures(runner);
  const comparison = compare(figures, directPass(records));
  print(report(figures) + verdict(comparison) + throughput(events, seconds));
  return comparison.differences.length === 0;
}

function opening({ dataset, location }: Options, total: number, before: RecordedBefore): string {
  const title = styleText('bold', dataset);
  const known = before.flights > 0 ? `  ${count(before.flights)} of them are already recorded.\n` : '';
  const gap = before.flights < total ? '\n' : '';
  return `\n  ${count(total)} flights of ${title}, in ${location.name}\n${known}${gap}`;
}
