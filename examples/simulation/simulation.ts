import { writeFile } from 'node:fs/promises';
import { SteppingMultiThreadedRunner, SteppingSingleThreadedRunner } from 'kahn';
import { compare } from '../flights/job/comparison.ts';
import { readRecords } from '../flights/job/dataset.ts';
import { directPass } from '../flights/job/direct-pass.ts';
import { InputError } from '../flights/job/errors.ts';
import { allOf, figuresOf } from '../flights/job/figures.ts';
import { verdict } from '../flights/job/report.ts';
import { chart } from './chart.ts';
import { chartSvg } from './chart-svg.ts';
import { Day, type DayRunner, timing } from './day.ts';
import { DayProgress } from './day-progress.ts';
import { Desk } from './desk.ts';
import { summaryOf, waitsAt } from './logs.ts';
import type { Options } from './options.ts';
import { type Panel, panelsOf } from './panels.ts';
import { PlannedPayout } from './payout.ts';
import { keyFigures, opening, reading, speed } from './report.ts';
import { travelDay } from './system.ts';

const defaultColumns = 80;

/** Simulates the day, prints the results, and resolves with whether every figure is right. */
export async function simulate(options: Options, signal: AbortSignal): Promise<boolean> {
  const print = (text: string) => process.stdout.write(text);
  const records = await readRecords(options.file);
  print(opening(options, records.length));

  await using runner = await start(options, signal);
  const day = new Day(runner, options.dataset, records, options.clerks);
  const startedAt = performance.now();
  {
    using progress = new DayProgress(process.stderr);
    await day.run(signal, options.speed === 0 ? () => {} : () => progress.show(day));
  }
  const seconds = (performance.now() - startedAt) / 1_000;

  const payouts = await allOf(runner.get(Desk), PlannedPayout);
  const figures = await figuresOf(
    runner,
    payouts.filter(({ paid }) => paid),
  );
  const comparison = compare(figures, directPass(records));
  const panels = panelsOf(day);
  print(chart(panels, process.stdout.columns ?? defaultColumns) + reading);
  print(keyFigures(figures, await waitsAt(runner.get(Desk)), day.minutes, await summaryOf(runner)));
  print(`\n${verdict(comparison)}`);
  process.stderr.write(speed(day.minutes, seconds, options.threads));
  if (options.svg !== undefined) await draw(options.svg, panels);
  return comparison.differences.length === 0;
}

function start({ threads, speed }: Options, signal: AbortSignal): Promise<DayRunner> {
  const options = { ...timing, scaleFactor: speed, paused: true, signal };
  return threads
    ? SteppingMultiThreadedRunner.start(travelDay, options)
    : SteppingSingleThreadedRunner.start(travelDay, options);
}

async function draw(file: string, panels: readonly Panel[]): Promise<void> {
  try {
    await writeFile(file, chartSvg('Queues in examples/simulation', panels));
  } catch (error) {
    throw new InputError(`File ${file} cannot be written: ${(error as Error).message}.`);
  }
}
