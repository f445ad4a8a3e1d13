import { resolve } from 'node:path';
import { durationMs, oneOf, ruleOf } from '../../util/option-rules.ts';
import {
  InvalidOptionError,
  type OptionRules,
  type ResolvedOptions,
  resolveOptions,
} from '../../util/options.ts';

/** All options of {@link sqlite}. */
export interface SqliteOptionFields {
  /**
   * Path of the file that holds the whole system. It is created in an existing directory. All applications share one order
   * of commits, so that a power cut never leaves a follower ahead of its upstream.
   *
   * @default none; give either `file` or `directory`
   */
  readonly file?: string;
  /**
   * Path of an existing directory, for one file per application. Applications then write side by side.
   *
   * @default none; give either `file` or `directory`
   */
  readonly directory?: string;
  /**
   * Durability after a power cut: nothing is lost (`FULL`), or the last commits may be lost, each as a whole (`NORMAL`,
   * faster). With `file`, the commits that are left are the first ones of the whole system; with `directory`, of each
   * application.
   *
   * @default 'FULL'
   */
  readonly synchronous?: 'FULL' | 'NORMAL';
  /**
   * Longest wait for another thread or process that writes to the same file, in ms. Waits longer than 10 ms do not block
   * the thread.
   *
   * @default 5000
   */
  readonly busyTimeoutMs?: number;
}

/** Options of {@link sqlite}: with `file` or with `directory`, not with both. */
export type SqliteOptions = SqliteOptionFields &
  (
    | { readonly file: string; readonly directory?: never }
    | { readonly directory: string; readonly file?: never }
  );

type Defaulted = 'synchronous' | 'busyTimeoutMs';

/** {@link SqliteOptions} with an absolute path and the defaults filled in. */
export type SqliteSettings = ResolvedOptions<SqliteOptions, Defaulted>;

export const sqliteOptions: OptionRules<SqliteOptionFields, Defaulted> = {
  file: ruleOf('the path of a file', isPath),
  directory: ruleOf('the path of a directory', isPath),
  synchronous: oneOf(['FULL', 'NORMAL'], 'FULL'),
  busyTimeoutMs: durationMs(0, 5_000),
};

const example = "sqlite({ file: 'shop.db' })";

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {@link InvalidOptionError} if an option is unknown, its value does not fit, or not exactly one of `file` and
 * `directory` is given.
 */
export function settingsFrom(options: object): SqliteSettings {
  for (const name of ['file', 'directory'] as const) assertNoUrl(name, options);
  const { file, directory, ...others } = resolveOptions<SqliteOptionFields, Defaulted>(
    options,
    sqliteOptions,
    'sqlite()',
    example,
  );
  // Absolute, so that threads and processes with another working directory open the same files.
  if (file !== undefined && directory === undefined) return { file: resolve(file), ...others };
  if (directory !== undefined && file === undefined) return { directory: resolve(directory), ...others };
  throw new InvalidOptionError(
    file === undefined
      ? `sqlite() takes the path of a file for the whole system, as in ${example}, or of a directory for one file per application, as in sqlite({ directory: 'data' }).`
      : "Options 'file' and 'directory' of sqlite() exclude each other: leave one of them out.",
  );
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function assertNoUrl(name: 'file' | 'directory', options: object | undefined): void {
  const value: unknown = (options as Partial<SqliteOptions> | undefined)?.[name];
  if (value === ':memory:') {
    throw new InvalidOptionError('sqlite() keeps files; for memory, use memory().');
  }
  if (value instanceof URL || (typeof value === 'string' && /^file:\/\//i.test(value))) {
    throw new InvalidOptionError(
      `Option '${name}' of sqlite() takes a path, not a URL: use fileURLToPath().`,
    );
  }
}
