import { type Fault, moments, type PlannedFault } from '../faults/faults.ts';
import { randomNumbers } from '../faults/random-numbers.ts';

/** Runners between which a schedule changes. */
export type ScheduledRunner = 'single-threaded' | 'stepping' | 'multi-threaded';

/** One disturbance of a run. Recordings and prompts are counted from 1. */
export type ScheduleStep =
  | { readonly kind: 'start'; readonly runner: ScheduledRunner }
  | { readonly kind: 'rival' }
  | { readonly kind: 'delay'; readonly recording: number; readonly turns: number }
  | { readonly kind: 'restart'; readonly recording: number; readonly runner: ScheduledRunner }
  | ScheduledFault
  | { readonly kind: 'prompt'; readonly prompt: number; readonly fate: 'lost' | 'repeated' | 'late' };

/** A fault at a recording. */
interface ScheduledFault extends PlannedFault {
  readonly kind: 'fault';
  /** The runner that is started after a crash. */
  readonly runner?: ScheduledRunner;
}

/** Disturbances of one run. */
export type Schedule = readonly ScheduleStep[];

const mostSteps = 8;
const mostTurns = 20;
/** Part of the changes of runner that lead to threads, which take longer to start. */
const threadsRate = 0.01;
/** One schedule in so many begins with threads. */
const threadsEvery = 25;

/**
 * Draws a schedule. The same seed always gives the same one.
 *
 * @param recordings Number of recordings of an undisturbed run.
 * @param hasThreads Whether the system can run in threads.
 */
export function drawSchedule(seed: number, recordings: number, hasThreads: boolean): Schedule {
  const random = randomNumbers(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const runner = (): ScheduledRunner => {
    const isThreaded = random() < threadsRate;
    return isThreaded && hasThreads ? 'multi-threaded' : pick(['single-threaded', 'stepping']);
  };
  const steps: ScheduleStep[] = [];
  const first = hasThreads && seed % threadsEvery === 0 ? 'multi-threaded' : runner();
  if (first !== 'single-threaded') steps.push({ kind: 'start', runner: first });
  if (random() < 0.5) steps.push({ kind: 'rival' });
  const count = upTo(mostSteps);
  while (steps.length < count) {
    const recording = upTo(recordings);
    const kind = pick(['delay', 'delay', 'restart', 'crash', 'refusal', 'prompt']);
    if (kind === 'delay') steps.push({ kind, recording, turns: upTo(mostTurns) });
    else if (kind === 'restart') steps.push({ kind, recording, runner: runner() });
    else if (kind === 'prompt')
      steps.push({ kind, prompt: recording, fate: pick(['lost', 'repeated', 'late']) });
    else {
      const fault: Fault = kind === 'crash' ? kind : pick(['busy', 'lost race', 'lost answer']);
      const moment = pick(moments[fault]);
      steps.push({ kind: 'fault', recording, fault, moment, ...(kind === 'crash' && { runner: runner() }) });
    }
  }
  return steps;
}

/** Returns a schedule as lines that can be read. */
export function scheduleLines(schedule: Schedule): readonly string[] {
  return schedule.length === 0 ? ['no disturbance'] : schedule.map(lineOf);
}

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
    case 'fault':
      return faultLine(step);
    case 'prompt':
      return `prompt ${step.prompt} to the second runner is ${step.fate}`;
  }
}

function faultLine({ recording, fault, moment, runner }: ScheduledFault): string {
  const isRecorded = moment === 'after';
  switch (fault) {
    case 'crash':
      return `${moment} recording ${recording}, the runner crashes, and a ${runner} one is started`;
    case 'busy':
      return `recording ${recording} is ${moment === 'inside' ? 'rolled back' : 'refused'}: the storage is busy`;
    case 'lost race':
      return `recording ${recording} is refused, as if another writer had recorded first`;
    case 'lost answer':
      return `recording ${recording} is ${isRecorded ? 'recorded' : 'rolled back'}, but its answer is lost`;
  }
}
