import type { ApplicationClass } from '../../application/application.ts';
import type { System } from '../../system/system.ts';
import { LocalDriver } from './local-driver.ts';
import { openStepping } from './open-stepping.ts';
import type { SteppingRunnerOptions } from './stepping-options.ts';
import { SteppingRunner } from './stepping-runner.ts';

/**
 * Runs a system tick by tick in this thread.
 *
 * @example
 * await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
 * runner.callInFuture(() => runner.get(Orders).place('ada'), 10);
 * const tick = await runner.stepUntil(({ number }) => number === 20);
 */
export class SteppingSingleThreadedRunner<
  Apps extends ApplicationClass = ApplicationClass,
> extends SteppingRunner<Apps> {
  /**
   * Opens the applications and starts the clock, unless `paused`.
   *
   * @throws {@link InvalidOptionError} if an option is unknown or has a wrong value.
   * @throws {@link SystemRunningError} if this system is running already.
   * @throws {@link UndeclaredTypesError} if the logs hold undeclared types, and `undeclaredEvents` is 'refuse'.
   * @throws {@link ResourceError} if a resource cannot be opened.
   * @throws {@link StorageError} if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass, Opened extends object>(
    system: System<Apps, Opened>,
    options: SteppingRunnerOptions<NoInfer<Opened>> = {},
  ): Promise<SteppingSingleThreadedRunner<Apps>> {
    const name = 'SteppingSingleThreadedRunner';
    const parts = await openStepping(name, system, options, LocalDriver.start);
    return new SteppingSingleThreadedRunner(parts);
  }
}
