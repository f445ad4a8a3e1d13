import { writeFile } from 'node:fs/promises';
import { SteppingMultiThreadedRunner, SteppingSingleThreadedRunner } from 'kahn';
import { readRecords } from '../flights/job/dataset.ts';
import { InputError } from '../flights/job/errors.ts';
import { compare } from '../flights/job/figures/comparison.ts';
import { directPass } from '../flights/job/figures/direct-pass.ts';
import { allOf, figuresOf } from '../flights/job/figures/figures.ts';
import { verdict } from '../flights/job/figures/report.ts';
import { Day, type DayRunner, timing } from './day.ts';
import { Desk } from './desk.ts';
import { summaryOf, waitsAt } from './logs.ts';
import type { Options } from './options.ts';
import { chart } from './output/chart.ts';
import { chartSvg } from './output/chart-svg.ts';
import { DayProgress } from './output/day-progress.ts';
import { type Panel, panelsOf } from './output/panels.ts';
import { keyFigures, opening, reading, speed } from './output/report.ts';
import { PlannedPayout } from './payout.ts';
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
