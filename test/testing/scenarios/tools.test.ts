import { spawnSync } from 'node:child_process';
import { memory, type System } from 'kahn';
import {
  anySchedule,
  equivalent,
  InvalidScenarioError,
  type Scenario,
  ScenarioRunError,
  ScenarioTimeoutError,
  survivesEveryCrash,
} from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { endlessShop, namedShop } from './planted-bugs.ts';
import { placeOrders } from './scenarios.ts';

interface ToolOptions {
  readonly runTimeoutMs?: number;
  readonly create?: () => ReturnType<typeof memory>;
}

type Check = (system: System, scenario: Scenario, options?: ToolOptions) => Promise<unknown>;

const runnerOptions = { drainTimeoutMs: 500 };
const tools: readonly [string, Check][] = [
  [
    'equivalent',
    (system, scenario, { create = memory, ...rest } = {}) =>
      equivalent(system, scenario, { ...rest, storages: { memory: create }, runnerOptions }),
  ],
  [
    'survivesEveryCrash',
    (system, scenario, { create = memory, ...rest } = {}) =>
      survivesEveryCrash(system, scenario, { ...rest, storages: { memory: create }, runnerOptions }),
  ],
  [
    'anySchedule',
    (system, scenario, { create = memory, ...rest } = {}) =>
      anySchedule(system, scenario, { ...rest, storage: create, runs: 3, seed: 7, runnerOptions }),
  ],
];

describe.each(tools)('%s()', (_, check) => {
  const rejectionOf = (...args: Parameters<typeof check>) =>
    check(...args).then(
      () => expect.fail('Nothing was found.'),
      (error: Error) => error,
    );

  test('accepts ids that are made of random ids', async () => {
    await check(namedShop as System, placeOrders as Scenario);
  });

  test('names the application that does not end, and the command that waits for it', async () => {
    const error = await rejectionOf(endlessShop as System, placeOrders as Scenario, { runTimeoutMs: 2_000 });
    expect(error).toBeInstanceOf(ScenarioRunError);
    expect(error.cause).toBeInstanceOf(ScenarioTimeoutError);
    expect(error.message).toMatch(/has not caught up within 2000 ms \(option runTimeoutMs\)/);
    expect(error.message).toContain("the scenario has not returned; place() of 'orders' has not returned");
    expect(error.message).toContain("'tickets' is running, 1 behind 'orders' (at 0)");
  });

  test('ends a scenario that waits for nothing', async () => {
    const error = await rejectionOf(shop as System, () => new Promise(() => {}), { runTimeoutMs: 1_000 });
    expect(error.message).toContain('(option runTimeoutMs): the scenario has not returned.');
  });

  test('refuses a scenario that records nothing, unless it returns something', async () => {
    const error = await rejectionOf(shop as System, () => {});
    expect(error).toBeInstanceOf(InvalidScenarioError);
    expect(error.message).toContain('recorded nothing and returned nothing');
    await check(shop as System, async () => 'refused');
  });

  test('refuses a scenario that does not await a command', async () => {
    const scenario: Scenario<typeof Orders> = async (runner) => {
      await runner.get(Orders).place('ada');
      void runner.get(Orders).place('bob');
    };
    const error = await rejectionOf(shop as System, scenario as Scenario);
    expect(error).toBeInstanceOf(InvalidScenarioError);
    expect(error.message).toContain("while place() of 'orders' was under way: await it");
  });

  test('refuses a storage that is not empty', async () => {
    const storage = memory();
    {
      await using orders = await Orders.open({ storage });
      await orders.save(Order.place('ada'));
    }
    const error = await rejectionOf(shop as System, placeOrders as Scenario, { create: () => storage });
    expect(error).toBeInstanceOf(InvalidScenarioError);
    expect(error.message).toContain("the log of 'orders' ends at ");
  });

  test('refuses a system that is bound to a storage', async () => {
    const error = await rejectionOf(shop.bind(memory()) as System, placeOrders as Scenario);
    expect(error).toMatchObject({
      code: 'SYSTEM_BOUND',
      message: expect.stringContaining('without bind(storage)'),
    });
  });

  test('names the undisturbed run that fails', async () => {
    const broken = new Error('broken scenario');
    const error = await rejectionOf(shop as System, () => Promise.reject(broken));
    expect(error).toBeInstanceOf(ScenarioRunError);
    expect(error.message).toContain('broken scenario');
    expect(error.cause).toBe(broken);
  });
});

test('the limit of time also ends a program that waits for nothing else', () => {
  const program = `
    import { memory } from 'kahn';
    import { equivalent } from 'kahn/testing';
    import { shop } from ${JSON.stringify(import.meta.resolve('../../../examples/shop/shop.ts'))};
    await equivalent(shop, () => new Promise(() => {}), { storages: { memory: () => memory() }, runTimeoutMs: 200 });
  `;
  const options = ['--conditions=kahn-source', '--input-type=module', '--eval', program];
  const { stderr } = spawnSync(process.execPath, options, { encoding: 'utf8', cwd: import.meta.dirname });
  expect(stderr).toContain('It has not caught up within 200 ms');
});
