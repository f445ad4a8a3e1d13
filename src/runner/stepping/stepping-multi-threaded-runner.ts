import type { ApplicationClass } from '../../application/application.ts';
import { assertNotReplaced } from '../../application/resources/replaced-resources.ts';
import type { System } from '../../system/system.ts';
import { openStepping } from './open-stepping.ts';
import type { DriverParts } from './step-driver.ts';
import type { SteppingRunnerOptions } from './stepping-options.ts';
import { SteppingRunner } from './stepping-runner.ts';
import { ThreadedDriver, threadProgram } from './threads/threaded-driver.ts';

const runnerName = 'SteppingMultiThreadedRunner';

/**
 * Runs a system tick by tick, with a worker thread for each application that follows others. The logs are the same as
 * with the single-threaded stepping runner, tick by tick. The system must be exported from a module that it names:
 * `System.of([...], { module: import.meta.url })`.
 *
 * @example
 * await using runner = await SteppingMultiThreadedRunner.start(shop, { paused: true });
 * runner.callInFuture(() => runner.get(Orders).place('ada'), 10);
 * const tick = await runner.stepUntil(({ number }) => number === 20);
 */
export class SteppingMultiThreadedRunner<
  Apps extends ApplicationClass = ApplicationClass,
> extends SteppingRunner<Apps> {
  /**
   * Opens the applications, here and in their threads, and starts the clock, unless `paused`.
   *
   * @throws {@link InvalidOptionError} if an option is unknown or has a wrong value.
   * @throws {@link BundledError} if kahn is part of a bundle.
   * @throws {@link InvalidSystemError} if the system does not name its module.
   * @throws {@link RemoteError} with code `SYSTEM_MODULE` if the threads cannot find the system in its module.
   * @throws {@link SystemRunningError} if this system is running already.
   * @throws {@link UndeclaredTypesError} if the logs hold undeclared types, and `undeclaredEvents` is 'refuse'.
   * @throws {@link ResourceError} if a resource cannot be opened.
   * @throws {@link StorageError} if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass, Opened extends object>(
    system: System<Apps, Opened>,
    options: SteppingRunnerOptions = {},
  ): Promise<SteppingMultiThreadedRunner<Apps>> {
    assertNotReplaced(options?.resources, runnerName, 'worker threads');
    const entry = threadProgram(runnerName);
    const startDriver = (parts: DriverParts) => ThreadedDriver.start(parts, entry);
    const parts = await openStepping(runnerName, system, options, startDriver);
    return new SteppingMultiThreadedRunner(parts);
  }
}
