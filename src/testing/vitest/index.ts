import '../../util/environment/node-version.ts';

import { basename, dirname, join, resolve } from 'node:path';
import { expect, type MatcherResult, type MatcherState } from 'vitest';
import { assertSystem, type System } from '../../system/system.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import { safeName } from '../../util/safe-name.ts';
import { matchGraph } from '../graph-snapshots/match-graph.ts';

declare module 'vitest' {
  interface Matchers<R, T> {
    /**
     * Checks that the graph of a system is the one in a snapshot. If it differs, the error says what each difference means
     * for events and positions on record. Vitest writes missing snapshots, and all with `--update`.
     *
     * @param file Path of the snapshot, from the directory of the test. By default, a file for each test file and name of a
     * system in `__snapshots__`.
     */
    toMatchGraph(file?: string): R;
  }
}

/**
 * Compares the graph of a system with a snapshot: the matcher `expect(shop).toMatchGraph()`, which importing this module adds to
 * vitest.
 */
export function toMatchGraph(this: MatcherState, received: unknown, file?: string): MatcherResult {
  const { testPath, isNot, snapshotState } = this;
  if (isNot) throw new InvalidArgumentError('toMatchGraph() cannot be used with .not.');
  if (testPath === undefined) {
    throw new InvalidArgumentError(
      'toMatchGraph() works in test files only: its snapshot is beside the test file.',
    );
  }
  assertSystem(received, 'toMatchGraph()', 'expect(shop).toMatchGraph()');
  const system = received as System;
  const path = resolve(dirname(testPath), file ?? defaultFile(testPath, system));
  const { pass, message, actual, expected } = matchGraph(system, path, snapshotState.snapshotUpdateState);
  return {
    pass,
    message: () => `${message} Run vitest with --update to write it.`,
    actual,
    ...(expected !== undefined && { expected }),
  };
}

expect.extend({ toMatchGraph });

function defaultFile(testPath: string, { name }: System): string {
  const system = safeName(name, { allowed: /[\w.-]/, escapeWith: '%' });
  return join('__snapshots__', `${basename(testPath)}.${system}.graph.json`);
}
