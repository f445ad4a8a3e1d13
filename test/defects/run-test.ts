import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Defect } from './defect.ts';

/** Time after which a test counts as one that never ends, in ms. */
const longestMs = 180_000;

/** How the test of a defect has ended. */
export type TestResult = 'passed' | 'failed' | 'never ended' | 'not found';

interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Runs the test of a defect in a copy of the project. */
export async function runTest({ test, title }: Defect, directory: string): Promise<TestResult> {
  const outputFile = join(directory, 'test-report.json');
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const project = test.includes('.exhaustive.') ? 'exhaustive' : 'quick';
  const options = [
    '--project',
    project,
    '--testNamePattern',
    escaped,
    '--reporter',
    'json',
    '--outputFile',
    outputFile,
    '--testTimeout',
    '60000',
  ];
  const child = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', `test/${test}`, ...options],
    {
      cwd: directory,
      stdio: 'ignore',
      detached: true, // so that the processes of the test end with it
    },
  );
  const timer = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), longestMs);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  if (code === null) return 'never ended';
  const { testResults } = JSON.parse(await readFile(outputFile, 'utf8')) as Report;
  await rm(outputFile);
  if (
    testResults.some(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
  )
    return 'failed';
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const statuses = results.filter(({ fullName }) => fullName.includes(title)).map(({ status }) => status);
  if (statuses.includes('failed')) return 'failed';
  return statuses.includes('passed') ? 'passed' : 'not found';
}
