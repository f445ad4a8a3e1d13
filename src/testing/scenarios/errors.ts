import { KahnError } from '../../util/errors.ts';

/** Two runs of one scenario have left different things on record. */
export class NotEquivalentError extends KahnError {
  override readonly code = 'NOT_EQUIVALENT';
  /** Names of the two runs, such as 'SingleThreadedRunner on memory'. */
  declare readonly runs: readonly [string, string];
  /** The first difference: lines of the first run with `-`, of the second with `+`. */
  declare readonly difference: string;

  constructor(runs: readonly [string, string], difference: string, hint: string) {
    super(
      `Two runs of one scenario left different things on record: - ${runs[0]}, + ${runs[1]}.\n\n${difference}\n\n${hint}`,
      { runs, difference },
    );
  }
}

/** A run of a scenario has failed, or left faults that `verify()` finds, while others did not. */
export class ScenarioRunError extends KahnError {
  override readonly code = 'SCENARIO_RUN_FAILED';
  /** Name of the run, such as 'SingleThreadedRunner on memory'. */
  declare readonly run: string;

  constructor(run: string, reason: string, options: { readonly cause?: unknown } = {}) {
    super(`The scenario failed in the run of ${run}: ${reason}`, { ...options, run });
  }
}

/** A scenario cannot be checked: it records nothing, does not wait for a command, or its storage is not empty. */
export class InvalidScenarioError extends KahnError {
  override readonly code = 'INVALID_SCENARIO';
}

/** A run has not caught up in time. */
export class ScenarioTimeoutError extends KahnError {
  override readonly code = 'SCENARIO_TIMED_OUT';
  /** The limit of time, in ms. */
  declare readonly timeoutMs: number;

  /** @param waiting What has not ended, as in "the scenario has not returned". */
  constructor(timeoutMs: number, waiting: readonly string[]) {
    const list = waiting.length === 0 ? '' : `: ${waiting.join('; ')}`;
    super(`It has not caught up within ${timeoutMs} ms (option runTimeoutMs)${list}.`, { timeoutMs });
  }
}
