import type { ApplicationClass } from '../application/application.ts';
import { assertSystem, type System } from '../system/system.ts';
import { resolveOptions } from '../util/options.ts';
import type { SystemRunner } from './runner.ts';
import { type RunnerOptions, runnerOptions } from './runner-options.ts';
import { SingleThreadedRunner } from './single-threaded/single-threaded-runner.ts';

/**
 * Runs a system in this thread. Shorthand for {@link SingleThreadedRunner.start}, with the same errors.
 *
 * @example
 * await using runner = await run(shop, { storage: sqlite({ file: 'shop.db' }) });
 * await runner.get(Orders).place('ada');
 */
export async function run<Apps extends ApplicationClass, Opened extends object>(
  system: System<Apps, Opened>,
  options: RunnerOptions<NoInfer<Opened>> = {},
): Promise<SystemRunner<Apps>> {
  assertSystem(system, 'run()');
  const given: RunnerOptions = options;
  resolveOptions(given, runnerOptions, 'run()', 'run(shop, { storage: memory() })');
  return SingleThreadedRunner.start(system, options);
}
