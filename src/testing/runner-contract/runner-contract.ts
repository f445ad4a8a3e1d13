import { durationMs, oneOf } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import {
  assertTestRunner,
  functionRule,
  lacksRule,
  nameRule,
  type TestRunner,
} from '../recorder-contract/contract-arguments.ts';
import { commands } from './commands.ts';
import { failures, parked, pauses } from './failures.ts';
import { lifecycle } from './lifecycle.ts';
import { results } from './results.ts';
import { rows } from './rows.ts';
import type { RunnerSubject } from './runner-subject.ts';
import { type Test, TestedRunner } from './tested-runner.ts';

const owner = 'runnerContract()';

const runnerSubject: OptionRules<RunnerSubject> = {
  name: nameRule,
  rows: oneOf(['sqlite', 'postgres']),
  lacks: lacksRule(['parked'], owner),
  waitLimitMs: durationMs(1),
  start: functionRule(),
  create: functionRule(),
};

/**
 * Defines the tests that every runner must pass. A test that fails throws AssertionError. Runners with threads or processes
 * import the systems of the tests from kahn.
 *
 * @throws {@link InvalidArgumentError} if `runner` lacks `describe` or `it`.
 * @throws {@link InvalidOptionError} if a property of the subject is missing or unknown, or its value does not fit.
 */
export function runnerContract(runner: TestRunner, subject: RunnerSubject): void {
  assertTestRunner(runner, 'runnerContract');
  resolveOptions(
    subject,
    runnerSubject,
    owner,
    "runnerContract({ describe, it }, { name: 'my', start, create })",
  );
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
