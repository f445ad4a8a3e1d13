import { KahnError, messageOf } from '../../util/errors.ts';

/** Hears how applications get on in a tick. */
export interface StageReport {
  processed(applicationName: string, upstreamName: string, count: number): void;
  interrupted(applicationName: string, error: unknown): void;
}

/** Applications have failed in a tick. */
export class StepFailure extends KahnError {
  override readonly code = 'STEP_FAILED';
  /** The applications that have failed, by name, with the cause. */
  readonly failures: ReadonlyMap<string, unknown>;

  constructor(failures: ReadonlyMap<string, unknown>) {
    super(`${[...failures.keys()].join(', ')} failed.`);
    this.failures = failures;
  }
}

/** A command that a stepping runner called at a tick has failed, and the runner has stopped. */
export class CommandError extends KahnError {
  override readonly code = 'COMMAND_FAILED';
  readonly tick: number;

  constructor(tick: number, cause: unknown) {
    super(`A command that was due at tick ${tick} failed, so the system has stopped: ${messageOf(cause)}`, {
      cause,
    });
    this.tick = tick;
  }
}
