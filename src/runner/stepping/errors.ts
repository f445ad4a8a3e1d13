import { KahnError, messageOf } from '../../util/errors.ts';

/** Applications failed in a tick. */
export class StepFailedError extends KahnError {
  override readonly code = 'STEP_FAILED';
  /** Causes by the names of the failed applications. */
  declare readonly failures: ReadonlyMap<string, unknown>;

  constructor(failures: ReadonlyMap<string, unknown>) {
    super(`Applications failed in a tick: ${[...failures.keys()].join(', ')}.`, { failures });
  }
}

/** A command or policy called a method of its runner that waits for the end of the current tick. */
export class WaitInTickError extends KahnError {
  override readonly code = 'WAIT_IN_TICK';

  constructor(call: string) {
    super(
      `A command or policy called ${call} of its runner, which waits for the end of the current tick. ` +
        `Call ${call} outside of commands and policies.`,
    );
  }
}

/** A command of a stepping runner failed, and the runner stopped. */
export class CommandError extends KahnError {
  override readonly code = 'COMMAND_FAILED';
  /** Number of the tick at whose end the command was called. */
  declare readonly tick: number;

  constructor(tick: number, cause: unknown) {
    super(`The runner stopped because a command failed at tick ${tick}: ${messageOf(cause)}`, {
      cause,
      tick,
    });
  }
}
