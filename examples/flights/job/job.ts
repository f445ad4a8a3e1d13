import { styleText } from 'node:util';
import { SingleThreadedRunner } from 'kahn';
import { Flights } from '../flights.ts';
import { airTravel } from '../system.ts';
import { compare } from './comparison.ts';
import { readRecords } from './dataset.ts';
import { directPass } from './direct-pass.ts';
import { recordedFigures } from './figures.ts';
import { type Holdings, holdingsOf } from './holdings.ts';
import { importFlights } from './import.ts';
import type { Options } from './options.ts';
import { Progress } from './progress.ts';
import { report, throughput, verdict } from './report.ts';
import { count } from './text.ts';

/** Does what is left to do, prints what came out, and resolves with whether every figure is right. */
export async function runJob(options: Options, signal: AbortSignal): Promise<boolean> {
  const { dataset, place } = options;
  const { storage } = place;
  const print = (text: string) => process.stdout.write(text);
  const records = await readRecords(options.file);
  const before = await holdingsOf(options, records);
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

function opening({ dataset, place }: Options, total: number, before: Holdings): string {
  const title = styleText('bold', dataset);
  const known = before.flights > 0 ? `  ${count(before.flights)} of them are recorded already.\n` : '';
  const gap = before.flights < total ? '\n' : '';
  return `\n  ${count(total)} flights of ${title}, in ${place.name}\n${known}${gap}`;
}
