import { setImmediate as nextTurn } from 'node:timers/promises';
import { StorageError } from '../../storage/errors.ts';
import type { Prompt } from '../../storage/prompt.ts';
import type { ProcessEvent } from '../../storage/recorder.ts';
import type { LogListener } from '../../storage/storage.ts';
import { isError } from '../../util/errors.ts';
import { refusal } from './refusals.ts';
import type { Schedule, ScheduledRunner, ScheduleStep } from './schedule.ts';

/** A runner of a scheduled run, from its start to its end. */
export interface ScheduledLife {
  readonly isRival: boolean;
  hasCrashed: boolean;
  listener?: LogListener;
}

/** Number of turns of the event loop by which a prompt is late. */
const lateTurns = 50;

/** Counts the recordings and prompts of a run, and disturbs them as a schedule says. */
export class ScheduleRun {
  readonly #schedule: Schedule;
  readonly #lives = new Set<ScheduledLife>();
  readonly #refusals = new WeakSet<Error>();
  #prompts = 0;
  /** Number of recordings so far. */
  recordings = 0;
  /** The runner that is started next. */
  next: ScheduledRunner = 'single-threaded';
  /** Replaces the runner. */
  restart: () => void = () => {};

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    for (const step of schedule) if (step.kind === 'start') this.next = step.runner;
  }

  get hasRival(): boolean {
    return this.#schedule.some(({ kind }) => kind === 'rival');
  }

  begin(isRival = false): ScheduledLife {
    const life = { isRival, hasCrashed: false };
    this.#lives.add(life);
    return life;
  }

  /** @throws {@link StorageError} if the runner has crashed. */
  assertAlive({ hasCrashed }: ScheduledLife, applicationName: string): void {
    if (hasCrashed)
      throw new StorageError('STORAGE_CLOSED', applicationName, 'The runner has crashed by schedule.');
  }

  /** Records, disturbed by the steps of this recording. */
  async record<T>(
    life: ScheduledLife,
    applicationName: string,
    processEvents: readonly ProcessEvent[],
    record: () => Promise<T>,
  ): Promise<T> {
    this.assertAlive(life, applicationName);
    if (life.isRival) return await record();
    this.recordings += 1;
    const number = this.recordings;
    const steps = this.#schedule.filter((step) => 'recording' in step && step.recording === number);
    for (const step of steps)
      if (step.kind === 'delay') for (let turn = 0; turn < step.turns; turn += 1) await nextTurn();
    this.#crash(steps, 'before', life, applicationName);
    this.assertAlive(life, applicationName);
    const refused = steps.find(({ kind }) => kind === 'refusal');
    const reason = refused?.kind === 'refusal' ? refused.reason : undefined;
    const result = reason === 'busy' || reason === 'conflict' ? undefined : await record();
    this.#crash(steps, 'after', life, applicationName);
    for (const step of steps) {
      if (step.kind !== 'restart') continue;
      this.next = step.runner;
      this.restart();
    }
    if (reason === undefined) return result as T;
    const error = refusal(reason, applicationName, processEvents);
    this.#refusals.add(error);
    throw error;
  }

  /** Whether an error, or one of its causes, is a refusal by schedule: the call may be repeated. */
  isRefusal(error: unknown): boolean {
    for (let cause = error; isError(cause); cause = cause.cause) if (this.#refusals.has(cause)) return true;
    return false;
  }

  #crash(steps: Schedule, moment: 'before' | 'after', life: ScheduledLife, applicationName: string): void {
    const crash = steps.find((step) => step.kind === 'crash' && step.moment === moment);
    if (crash?.kind !== 'crash') return;
    this.next = crash.runner;
    life.hasCrashed = true;
    this.assertAlive(life, applicationName);
  }

  /** Tells the other runners that a log has grown, unless the schedule loses the prompt. */
  prompt(from: ScheduledLife, prompt: Prompt): void {
    for (const life of this.#lives) {
      if (life === from || life.listener === undefined) continue;
      this.#prompts += 1;
      const step = this.#schedule.find((one) => one.kind === 'prompt' && one.prompt === this.#prompts);
      void this.#send(life, prompt, step);
    }
  }

  async #send(life: ScheduledLife, prompt: Prompt, step: ScheduleStep | undefined): Promise<void> {
    const fate = step?.kind === 'prompt' ? step.fate : undefined;
    if (fate === 'lost') return;
    if (fate === 'late') for (let turn = 0; turn < lateTurns; turn += 1) await nextTurn();
    life.listener?.onPrompt(prompt);
    if (fate === 'repeated') life.listener?.onPrompt(prompt);
  }
}
