import { SystemBoundError } from '../../system/errors.ts';
import { assertSystem, type System } from '../../system/system.ts';
import { assertFunction } from '../../util/options.ts';

/**
 * Throws unless a tool can run a scenario of a system.
 *
 * @param tool Name of the tool, such as 'equivalent'.
 */
export function assertScenario(system: System, scenario: unknown, tool: string): void {
  assertSystem(system, `${tool}()`, `${tool}(shop, async (runner) => { … })`);
  assertFunction(scenario, `the scenario of ${tool}()`);
  if (system.storage === undefined) return;
  throw new SystemBoundError(
    `${tool}() runs the system on storage of its own: pass the system itself, without bind(storage).`,
  );
}
