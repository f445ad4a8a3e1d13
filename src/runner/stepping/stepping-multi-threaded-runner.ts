import type { ApplicationClass } from '../../application/application.ts';
import type { System } from '../../system/system.ts';
import { openStepping } from './open-stepping.ts';
import type { SteppingRunnerOptions } from './stepping-options.ts';
import { SteppingRunner } from './stepping-runner.ts';
import { ThreadedDriver } from './threads/threaded-driver.ts';

/**
 * Steps a system with a worker thread for each application that follows others: they process side by side, and give
 * the same logs, tick by tick, as in a single thread. The system must be exported from a module that it names.
 *
 * @example await using runner = await SteppingMultiThreadedRunner.start(shop, { scaleFactor: 0 });
 */
export class SteppingMultiThreadedRunner<
  Apps extends ApplicationClass = ApplicationClass,
> extends SteppingRunner<Apps> {
  /**
   * Opens the applications, here and in their threads; the clock begins to tick unless `paused`.
   *
   * @throws SystemRunningError if this system is running already.
   * @throws StorageError if the storage cannot be opened.
   * @throws KahnError SYSTEM_MODULE if the threads cannot find the system by its module.
   */
  static async start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: SteppingRunnerOptions = {},
  ): Promise<SteppingMultiThreadedRunner<Apps>> {
    const name = SteppingMultiThreadedRunner.name;
    const parts = await openStepping(name, system, options, (setting) =>
      ThreadedDriver.start(system, options, setting),
    );
    return new SteppingMultiThreadedRunner(parts);
  }
}
