import type { TestRunner } from '../recorder-contract/recorder-contract.ts';
import { commands } from './commands.ts';
import { failures, parked, pauses } from './failures.ts';
import { lifecycle } from './lifecycle.ts';
import { results } from './results.ts';
import { rows } from './rows.ts';
import type { RunnerSubject } from './runner-subject.ts';
import { type Test, TestedRunner } from './tested-runner.ts';

/**
 * Defines the tests that every runner must pass. A test that fails throws AssertionError. Runners with threads or processes
 * import the systems of the tests from kahn.
 */
export function runnerContract(runner: TestRunner, subject: RunnerSubject): void {
  const { lacks = [] } = subject;
  const test: Test = (name, body) =>
    runner.it(name, async () => {
      const { storage, cleanUp } = await subject.create();
      try {
        await using tested = new TestedRunner(subject, storage);
        await body(tested);
      } finally {
        await cleanUp();
      }
    });
  const parts = {
    results,
    commands,
    failures,
    pauses,
    ...(!lacks.includes('parked') && { parked }),
    ...(subject.rows !== undefined && { rows }),
    lifecycle,
  };
  runner.describe(`${subject.name} runner`, () => {
    for (const [name, define] of Object.entries(parts)) runner.describe(name, () => define(test));
  });
}
