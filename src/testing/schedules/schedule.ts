import { randomNumbers } from './random-numbers.ts';
import type { RefusalReason } from './refusals.ts';

/** Runners between which a schedule changes. */
export type ScheduledRunner = 'single-threaded' | 'stepping';

/** One disturbance of a run. Recordings and prompts are counted from 1. */
export type ScheduleStep =
  | { readonly kind: 'start'; readonly runner: ScheduledRunner }
  | { readonly kind: 'rival' }
  | { readonly kind: 'delay'; readonly recording: number; readonly turns: number }
  | { readonly kind: 'restart'; readonly recording: number; readonly runner: ScheduledRunner }
  | {
      readonly kind: 'crash';
      readonly recording: number;
      readonly moment: 'before' | 'after';
      readonly runner: ScheduledRunner;
    }
  | { readonly kind: 'refusal'; readonly recording: number; readonly reason: RefusalReason }
  | { readonly kind: 'prompt'; readonly prompt: number; readonly fate: 'lost' | 'repeated' | 'late' };

/** Disturbances of one run. */
export type Schedule = readonly ScheduleStep[];

const mostSteps = 8;
const mostTurns = 20;

/**
 * Draws a schedule. The same seed always gives the same one.
 *
 * @param recordings Number of recordings of an undisturbed run.
 */
export function drawSchedule(seed: number, recordings: number): Schedule {
  const random = randomNumbers(seed);
  const pick = <T>(...choices: readonly [T, ...T[]]): T =>
    choices[Math.floor(random() * choices.length)] as T;
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const runner = () => pick<ScheduledRunner>('single-threaded', 'stepping');
  const steps: ScheduleStep[] = [];
  if (random() < 0.5) steps.push({ kind: 'start', runner: 'stepping' });
  if (random() < 0.5) steps.push({ kind: 'rival' });
  const count = upTo(mostSteps);
  while (steps.length < count) {
    const recording = upTo(recordings);
    const kind = pick('delay', 'delay', 'restart', 'crash', 'refusal', 'prompt');
    if (kind === 'delay') steps.push({ kind, recording, turns: upTo(mostTurns) });
    else if (kind === 'restart') steps.push({ kind, recording, runner: runner() });
    else if (kind === 'crash')
      steps.push({ kind, recording, moment: pick('before', 'after'), runner: runner() });
    else if (kind === 'refusal')
      steps.push({ kind, recording, reason: pick('busy', 'conflict', 'lost answer') });
    else steps.push({ kind: 'prompt', prompt: recording, fate: pick('lost', 'repeated', 'late') });
  }
  return steps;
}

/** Returns a schedule as lines that can be read. */
export function scheduleLines(schedule: Schedule): readonly string[] {
  return schedule.length === 0 ? ['no disturbance'] : schedule.map(lineOf);
}

const refusalTexts: Readonly<Record<RefusalReason, string>> = {
  busy: 'is refused: the storage is busy',
  conflict: 'is refused, as if another writer had recorded first',
  'lost answer': 'is recorded, but its answer is lost',
};

function lineOf(step: ScheduleStep): string {
  switch (step.kind) {
    case 'start':
      return `the first runner is ${step.runner}`;
    case 'rival':
      return 'a second runner runs beside it';
    case 'delay':
      return `recording ${step.recording} is delayed by ${step.turns} turns of the event loop`;
    case 'restart':
      return `after recording ${step.recording}, the runner is closed, and a ${step.runner} one is started`;
    case 'crash':
      return `${step.moment} recording ${step.recording}, the runner crashes, and a ${step.runner} one is started`;
    case 'refusal':
      return `recording ${step.recording} ${refusalTexts[step.reason]}`;
    case 'prompt':
      return `prompt ${step.prompt} to the second runner is ${step.fate}`;
  }
}
