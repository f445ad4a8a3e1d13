import type { ApplicationClass } from '../../application/application.ts';
import type { SystemRunner } from '../../runner/runner.ts';

/**
 * The runner of a scenario. The tool that runs the scenario starts it, may restart it, and closes it. A call that is under
 * way when the runner is restarted is repeated, and is recorded once.
 */
export type ScenarioRunner<Apps extends ApplicationClass = ApplicationClass> = Omit<
  SystemRunner<Apps>,
  'storage' | 'close' | typeof Symbol.asyncDispose
>;

/**
 * Gives commands to a running system, as a program does that runs it once. Runs several times, with an empty storage each
 * time. What it returns is compared between runs, with random ids replaced.
 *
 * Commands may be methods of the applications, which call `save()` and `update()`. The scenario awaits them. Their data must be
 * the same in each run, apart from random ids, such as those of `newId()` and `create()`, and names that are made of them.
 *
 * @example
 * import type { ScenarioRunner } from 'kahn/testing';
 * import { Orders } from './shop/orders.ts';
 *
 * const threeOrders = async (runner: ScenarioRunner<typeof Orders>) => {
 *   for (const customer of ['ada', 'bob', 'cy']) await runner.get(Orders).place(customer);
 * };
 */
export type Scenario<Apps extends ApplicationClass = ApplicationClass> = (
  runner: ScenarioRunner<Apps>,
) => unknown;
