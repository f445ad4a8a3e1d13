import type { ApplicationClass } from '../../application/application.ts';
import type { System } from '../../system/system.ts';
import { LocalDriver } from './local-driver.ts';
import { openStepping } from './open-stepping.ts';
import { pipelineId } from './step-driver.ts';
import type { SteppingRunnerOptions } from './stepping-options.ts';
import { SteppingRunner } from './stepping-runner.ts';

/**
 * Steps a system in this thread.
 *
 * @example
 * await using runner = await SteppingSingleThreadedRunner.start(shop, { scaleFactor: 0 });
 * runner.callInFuture(() => runner.get(Orders).place('ada'), 10);
 * await runner.stepUntil((tick) => tick.number === 20);
 */
export class SteppingSingleThreadedRunner<
  Apps extends ApplicationClass = ApplicationClass,
> extends SteppingRunner<Apps> {
  /**
   * Opens the applications; the clock begins to tick unless `paused`.
   *
   * @throws SystemRunningError if this system is running already.
   * @throws StorageError if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: SteppingRunnerOptions = {},
  ): Promise<SteppingSingleThreadedRunner<Apps>> {
    const name = SteppingSingleThreadedRunner.name;
    const parts = await openStepping(name, system, options, async ({ running, heads, report }) => {
      return new LocalDriver(system.graph, running.in(pipelineId), options.batchSize, heads, report);
    });
    return new SteppingSingleThreadedRunner(parts);
  }
}
