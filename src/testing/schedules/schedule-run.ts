import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Prompt } from '../../storage/prompt.ts';
import type { LogListener, StorageDescription } from '../../storage/storage.ts';
import { isError } from '../../util/errors.ts';
import { withFaults } from '../faults/faulty-module.ts';
import { type FaultPlan, newCount } from '../faults/faulty-process.ts';
import type { Schedule, ScheduledRunner } from './schedule.ts';

/** A runner of a scheduled run, from its start to its end. */
export interface ScheduledLife {
  /** The storage as the runner uses it. */
  readonly storage: StorageDescription;
  hasCrashed(): boolean;
}

/** Number of turns of the event loop by which a prompt is late. */
const lateTurns = 50;

/** The lives of the runners of one run, with the disturbances of a schedule. */
export class ScheduleRun {
  readonly #schedule: Schedule;
  readonly #plan: FaultPlan;
  /** The storage, without disturbances. */
  readonly storage: StorageDescription;
  readonly #recordings = newCount();
  readonly #listeners = new Set<{ current?: LogListener }>();
  readonly #errors = new WeakSet<Error>();
  readonly #restarted = new Set<number>();
  #prompts = 0;
  #crashedAt = newCount();
  #isOver = false;
  #next: ScheduledRunner = 'single-threaded';
  /** Replaces the runner. */
  restart: () => void = () => {};

  constructor(storage: StorageDescription, schedule: Schedule) {
    this.storage = storage;
    this.#schedule = schedule;
    this.#plan = {
      faults: schedule.filter((step) => step.kind === 'fault'),
      delays: schedule.filter((step) => step.kind === 'delay'),
    };
    for (const step of schedule) if (step.kind === 'start') this.#next = step.runner;
  }

  get hasRival(): boolean {
    return this.#schedule.some(({ kind }) => kind === 'rival');
  }

  /** Number of recordings so far. */
  get recordings(): number {
    return Atomics.load(new Int32Array(this.#recordings), 0);
  }

  /** The runner that is started next. */
  get next(): ScheduledRunner {
    const crashedAt = Atomics.load(new Int32Array(this.#crashedAt), 0);
    const crash = this.#schedule.find((step) => step.kind === 'fault' && step.recording === crashedAt);
    return (crash?.kind === 'fault' ? crash.runner : undefined) ?? this.#next;
  }

  /** Begins the life of the next runner. */
  begin(): ScheduledLife {
    this.#next = this.next;
    this.#crashedAt = newCount();
    const crashedAt = new Int32Array(this.#crashedAt);
    const storage = this.#describe(this.#plan, { recordings: this.#recordings, crashedAt: this.#crashedAt });
    return { storage, hasCrashed: () => Atomics.load(crashedAt, 0) > 0 };
  }

  /** Describes the storage as the second runner uses it, whose recordings are not counted. */
  rivalStorage(): StorageDescription {
    return this.#describe({}, { recordings: newCount(), crashedAt: newCount() });
  }

  #describe(
    plan: FaultPlan,
    counts: { readonly recordings: SharedArrayBuffer; readonly crashedAt: SharedArrayBuffer },
  ): StorageDescription {
    const own: { current?: LogListener } = {};
    this.#listeners.add(own);
    return withFaults(this.storage, {
      plan,
      counts,
      listener: {
        onFault: (_, error) => void this.#errors.add(error),
        onRecorded: () => this.restartIfDue(),
        onGrown: (prompt) => this.#prompt(own, prompt),
      },
      listen: async (listener) => {
        own.current = listener;
        return {
          [Symbol.asyncDispose]: async () => {
            delete own.current;
          },
        };
      },
    });
  }

  /** Notices what runners of threads record, until the run ends. */
  async watchThreads(): Promise<void> {
    if (!this.#schedule.some((step) => 'runner' in step && step.runner === 'multi-threaded')) return;
    while (!this.#isOver) {
      const { recordings } = this;
      this.restartIfDue();
      await Atomics.waitAsync(new Int32Array(this.#recordings), 0, recordings).value;
    }
  }

  end(): void {
    this.#isOver = true;
    Atomics.notify(new Int32Array(this.#recordings), 0);
  }

  /** Replaces the runner if the schedule does so after one of the recordings so far. */
  restartIfDue(): void {
    for (const step of this.#schedule) {
      if (step.kind !== 'restart' || step.recording > this.recordings) continue;
      if (this.#restarted.has(step.recording)) continue;
      this.#restarted.add(step.recording);
      this.#next = step.runner;
      this.restart();
    }
  }

  /** Whether an error, or one of its causes, is a fault of the schedule: the call may be repeated. */
  isPlanned(error: unknown): boolean {
    for (let cause = error; isError(cause); cause = cause.cause) if (this.#errors.has(cause)) return true;
    return false;
  }

  /** Tells the other runners that a log has grown, unless the schedule loses the prompt. */
  #prompt(from: object, prompt: Prompt): void {
    for (const one of this.#listeners) {
      if (one === from || one.current === undefined) continue;
      this.#prompts += 1;
      void this.#send(one.current, prompt, this.#prompts);
    }
  }

  async #send(listener: LogListener, prompt: Prompt, number: number): Promise<void> {
    const step = this.#schedule.find((one) => one.kind === 'prompt' && one.prompt === number);
    const fate = step?.kind === 'prompt' ? step.fate : undefined;
    if (fate === 'lost') return;
    if (fate === 'late') for (let turn = 0; turn < lateTurns; turn += 1) await nextTurn();
    listener.onPrompt(prompt);
    if (fate === 'repeated') listener.onPrompt(prompt);
  }
}
