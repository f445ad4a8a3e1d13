import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests import `kahn`, `kahn/sqlite` and so on: the `source` condition leads these names to src/, without a build.
export default defineConfig({
  ssr: { resolve: { conditions: ['source', 'module', 'node', 'development|production'] } },
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Inherited by the worker threads and child processes that tests start, unless they pass their own.
    execArgv: ['--conditions=source'],
    // Compiled once for all of them: tests start hundreds of processes.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/kahn-tests', import.meta.url)) },
    // For what hangs: on a busy machine everything takes up to ten times as long.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
