import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

const exhaustive = 'test/**/*.exhaustive.test.ts';
/** Tests of both tiers: few cases in the quick tier, the others in the exhaustive tier. */
const tiered = 'test/**/*.{tiered,property}.test.ts';

function tier(
  name: 'quick' | 'exhaustive',
  include: string[],
  exclude: string[] = [],
): TestProjectConfiguration {
  return {
    // Tests import `kahn`, `kahn/sqlite` and so on: the `kahn-source` condition leads these names to src/, without a build.
    ssr: { resolve: { conditions: ['kahn-source', 'module', 'node', 'development|production'] } },
    test: {
      name,
      include,
      exclude,
      provide: { tier: name },
      environment: 'node',
      pool: 'forks',
      // Inherited by the worker threads and child processes that tests start, unless they pass their own.
      execArgv: ['--conditions=kahn-source'],
      // Shares compiled code, since tests start hundreds of processes.
      env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/kahn-tests', import.meta.url)) },
      // More than ten times the duration of any test on a quiet machine, as a busy machine may need it.
      testTimeout: 600_000,
      hookTimeout: 600_000,
      expect: { poll: { timeout: 120_000 } },
    },
  };
}

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    projects: [tier('quick', ['test/**/*.test.ts'], [exhaustive]), tier('exhaustive', [exhaustive, tiered])],
    // Most tests wait for processes that they started.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    sequence: { sequencer: LongestFirst },
    // One line for each file, and the output of failed tests only.
    reporters: [['default', { summary: false }]],
    slowTestThreshold: 600_000,
    silent: 'passed-only',
  },
});
