import { InvalidStorageError } from '../../storage/errors.ts';
import { messageOf } from '../../util/errors.ts';
import { InvalidScenarioError, ScenarioRunError } from './errors.ts';
import type { ScenarioOutcome } from './run-scenario.ts';

/**
 * Makes a run that nothing disturbs, so that its errors are those of the scenario or the system.
 *
 * @param run Name of the run, for the errors.
 * @throws {@link ScenarioRunError} if the run fails, or `verify()` finds something.
 * @throws {@link InvalidScenarioError} if the scenario cannot be checked.
 * @throws {@link InvalidStorageError} if the system cannot use the storage.
 */
export async function undisturbedRun(
  run: string,
  outcomeOf: () => Promise<ScenarioOutcome>,
): Promise<ScenarioOutcome> {
  let outcome: ScenarioOutcome;
  try {
    outcome = await outcomeOf();
  } catch (cause) {
    if (cause instanceof InvalidScenarioError || cause instanceof InvalidStorageError) throw cause;
    throw new ScenarioRunError(run, messageOf(cause), { cause });
  }
  const [fault] = outcome.faults;
  if (fault !== undefined) throw new ScenarioRunError(run, `verify() finds: ${fault.message}`);
  return outcome;
}
