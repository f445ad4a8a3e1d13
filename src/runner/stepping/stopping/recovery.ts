import { ControlLog } from '../../../application/control/control-log.ts';
import type { Recorder } from '../../../storage/recorder.ts';
import type { RunnerEvent } from '../../diagnostics.ts';
import { RunnerClosedError } from '../../errors.ts';
import type { RunningSystem } from '../../running-system.ts';
import type { ClockLoop } from '../clock/clock-loop.ts';
import { Revival } from './revival.ts';
import { StopState } from './stop-state.ts';

/** What is stopped and started again. */
export interface RecoveryParts {
  readonly running: RunningSystem;
  readonly clock: Pick<ClockLoop, 'isPaused' | 'pause' | 'resume'>;
  /** Makes the applications ready for further ticks. */
  restart(): Promise<void>;
  eventOf(applicationName: string): RunnerEvent;
}

/** Stops a stepping runner because of an error, and starts it again when all failed applications are resumed. */
export class Recovery {
  readonly state: StopState;
  readonly #parts: RecoveryParts;
  readonly #closed = new AbortController();
  /** Whether the clock was running when the runner stopped. */
  #wasRunning = false;
  /** The wait for the resumption of failed applications. */
  #revival: Revival | undefined;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.state = new StopState(parts.eventOf, () => {
      this.#wasRunning = !parts.clock.isPaused;
      parts.clock.pause();
    });
  }

  /** Stops the runner because of an error, until the failed applications are resumed. Returns the error to throw. */
  fail(tick: number, error: unknown): unknown {
    const reason = this.state.fail(tick, error);
    if (this.state.failures.size > 0 && this.#revival === undefined) this.#awaitResumption();
    return reason;
  }

  /** If all failed applications are resumed, resolves when ticks may begin again, or rejects if they cannot be started. */
  async resumed(): Promise<void> {
    if (this.#revival?.isDue) await this.#revival.done;
  }

  /** Stops the runner for good. Resolves when it no longer starts again. */
  async close(): Promise<void> {
    this.state.stop(new RunnerClosedError());
    this.#closed.abort(new RunnerClosedError());
    await this.#revival?.done.catch(() => {});
  }

  /** Puts the failures on record, and starts the runner again when all failed applications are resumed. */
  #awaitResumption(): void {
    const { running } = this.#parts;
    const controls = [...this.state.failures].map(([applicationName, error]) => {
      const recorder = running.recorderOf(applicationName) as Recorder;
      const control = ControlLog.of(recorder);
      const operationId = control.lastId;
      running.failures.note({ applicationName, recorder, error, operationId });
      return control;
    });
    this.#revival = new Revival(controls, () => this.#restart(), this.#closed.signal);
  }

  async #restart(): Promise<void> {
    try {
      await this.#parts.restart();
    } catch (error) {
      this.#closed.signal.throwIfAborted();
      this.state.failAgain(error);
      this.#awaitResumption();
      throw error;
    }
    this.#closed.signal.throwIfAborted();
    this.#revival = undefined;
    this.state.revive();
    if (this.#wasRunning) this.#parts.clock.resume();
  }
}
