import { AssertionError } from 'node:assert';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { System } from '../../system/system.ts';
import { ruleOf } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import { changesBetween } from './graph-changes.ts';
import { describeGraph, graphSnapshotOf, parseGraph } from './graph-snapshot.ts';

/** Options of {@link assertGraph}. */
export interface AssertGraphOptions {
  /** Whether the file is written instead of compared. @default whether Node runs with `--test-update-snapshots` */
  readonly update?: boolean;
}

export const assertGraphOptions: OptionRules<AssertGraphOptions> = {
  update: ruleOf('true or false', (value) => typeof value === 'boolean'),
};

/** What to do about snapshots: write all, write those that are missing, or write none. */
export type SnapshotUpdates = 'all' | 'new' | 'none';

/** The result of comparing a system with a snapshot. */
export interface GraphMatch {
  readonly pass: boolean;
  readonly message: string;
  /** The graph as text. */
  readonly actual: string;
  /** The snapshot as text; undefined if there is none. */
  readonly expected: string | undefined;
}

/**
 * Checks that the graph of a system is the one in a file, as `describeGraph()` returns it. The error says what each
 * difference means for events and positions on record. For `node --test`; with vitest, use `toMatchGraph()` of
 * `kahn/testing/vitest`.
 *
 * @param file Path or URL of the file. Node with `--test-update-snapshots` writes it.
 * @throws `AssertionError` of `node:assert` if the graph differs, or the file is missing.
 * @throws {@link InvalidArgumentError} if `system` is not a system, or the file holds something else.
 * @throws {@link InvalidOptionError} if an option is unknown or its value does not fit.
 */
export function assertGraph(system: System, file: string | URL, options: AssertGraphOptions = {}): void {
  const { update = process.execArgv.includes('--test-update-snapshots') } = resolveOptions(
    options,
    assertGraphOptions,
    'assertGraph()',
  );
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  const { pass, message, actual, expected } = matchGraph(system, path, update ? 'all' : 'none');
  if (pass) return;
  const how = 'Run Node with --test-update-snapshots, or pass { update: true }, to write it.';
  throw new AssertionError({
    message: `${message} ${how}`,
    actual,
    expected,
    operator: 'assertGraph',
    stackStartFn: assertGraph,
  });
}

/** Compares a system with the snapshot in a file, and writes the file if that is asked for. */
export function matchGraph(system: System, path: string, updates: SnapshotUpdates): GraphMatch {
  const actual = describeGraph(system);
  const expected = contentOf(path);
  if (expected === undefined) {
    if (updates === 'none')
      return { pass: false, message: `There is no snapshot ${path} yet.`, actual, expected };
    write(path, actual);
    return { pass: true, message: `The snapshot ${path} is new.`, actual, expected };
  }
  if (updates === 'all') {
    if (expected !== actual) write(path, actual);
    return { pass: true, message: `The snapshot ${path} is updated.`, actual, expected: actual };
  }
  const before = parseGraph(expected, path);
  const after = graphSnapshotOf(system);
  if (isDeepStrictEqual(before, after))
    return {
      pass: true,
      message: `The graph of system '${system.name}' is the one in ${path}.`,
      actual,
      expected,
    };
  const changes = changesBetween(before, after).map((change) => `- ${change}\n`);
  const message = `The graph of system '${system.name}' is not the one in ${path}.\n\n${changes.join('')}\nIf this is intended, update the snapshot.`;
  return { pass: false, message, actual, expected };
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
