import { MultiThreadedRunner } from 'kahn';
import { type RunnerSubject, runnerContract } from 'kahn/testing';
import { afterAll, expect, test } from 'vitest';
import { inMemory, inSqlite } from './subjects.ts';
import { leftTimers, type WrongRunner, wrongRunners } from './wrong-runners.ts';

afterAll(() => {
  for (const timer of leftTimers) clearInterval(timer);
});

test.each(wrongRunners)(
  'a runner that $fault does not pass',
  async ({ fault: _, foundBy, message, ...wrong }) => {
    const tests = testsFor(wrong);
    await expect(tests.get(foundBy)?.()).rejects.toThrow(message);
  },
);

test('rows that threads do not share are a mistake of the subject', async () => {
  const start: RunnerSubject['start'] = (system, options) => MultiThreadedRunner.start(system, options);
  const tests = testsFor({ start, ...inMemory });
  await expect(
    tests.get('records the rows of a projection once for each event, whatever restarts')?.(),
  ).rejects.toThrow(
    /^The subject has rows: 'sqlite', but its runner does not start with a projection: Rows of .* Let create\(\) return storage/,
  );
});

test('titles of the tests differ', () => {
  const titles: string[] = [];
  const noting = {
    describe: (_: string, body: () => void) => body(),
    it: (title: string) => void titles.push(title),
  };
  runnerContract(noting, { name: 'never started', ...inSqlite, start: () => Promise.reject() });
  expect(titles).toHaveLength(18);
  expect(new Set(titles).size).toBe(titles.length);
});

/** Returns the tests of the contract for a runner, by their titles. */
function testsFor(
  wrong: Pick<WrongRunner, 'start' | 'waitLimitMs'> & Partial<RunnerSubject>,
): ReadonlyMap<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>();
  runnerContract(
    { describe: (_, body) => body(), it: (name, body) => void tests.set(name, body) },
    { name: 'wrong', ...inSqlite, ...wrong },
  );
  return tests;
}
