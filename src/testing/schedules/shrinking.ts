import type { Schedule, ScheduleStep } from './schedule.ts';

/** Most runs by which a simpler schedule is looked for. */
const mostRuns = 200;

/** Returns the simplest schedule that is found to fail as well: with fewer steps, earlier ones and shorter delays. */
export async function simplestFailing(
  schedule: Schedule,
  fails: (schedule: Schedule) => Promise<boolean>,
): Promise<Schedule> {
  let simplest = schedule;
  let candidates = simplerSchedules(simplest);
  for (let runs = 0; runs < mostRuns; runs += 1) {
    const { value: simpler, done } = candidates.next();
    if (done) break;
    if (!(await fails(simpler))) continue;
    simplest = simpler;
    candidates = simplerSchedules(simplest);
  }
  return simplest;
}

/** Yields simpler schedules: first those without half of the steps or without one, then those with one simpler step. */
function* simplerSchedules(schedule: Schedule): Generator<Schedule, undefined> {
  const half = schedule.length >>> 1;
  if (half > 1) {
    yield schedule.slice(half);
    yield schedule.slice(0, half);
  }
  for (const [index, step] of schedule.entries()) {
    const others = schedule.toSpliced(index, 1);
    yield others;
    // A recording that is not refused is not repeated, so that later ones have smaller numbers.
    if (step.kind === 'fault') yield others.map((other) => earlier(other, step.recording));
  }
  for (const [index, step] of schedule.entries())
    for (const simpler of simplerSteps(step)) yield schedule.with(index, simpler);
}

/** Moves a step behind a recording to the recording before its own. */
function earlier(step: ScheduleStep, recording: number): ScheduleStep {
  return 'recording' in step && step.recording > recording
    ? { ...step, recording: step.recording - 1 }
    : step;
}

function* simplerSteps(step: ScheduleStep): Generator<ScheduleStep> {
  if ('runner' in step && step.kind !== 'start' && step.runner !== 'single-threaded')
    yield { ...step, runner: 'single-threaded' };
  if ('turns' in step) for (const turns of smaller(step.turns)) yield { ...step, turns };
  if ('recording' in step) for (const recording of smaller(step.recording)) yield { ...step, recording };
  if ('prompt' in step) for (const prompt of smaller(step.prompt)) yield { ...step, prompt };
}

function smaller(number: number): Iterable<number> {
  return new Set([1, number >>> 1, number - 1].filter((one) => one >= 1 && one < number));
}
