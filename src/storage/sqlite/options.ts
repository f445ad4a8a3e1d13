import { resolve } from 'node:path';
import { durationMs, oneOf, required, ruleOf } from '../../util/option-rules.ts';
import {
  InvalidOptionError,
  type OptionRules,
  type ResolvedOptions,
  resolveOptions,
} from '../../util/options.ts';

/** Options of {@link sqlite}. */
export interface SqliteOptions {
  /** Path of an existing directory, for one file per application. */
  readonly directory: string;
  /**
   * Durability after a power cut: nothing is lost (`FULL`), or the last commits may be lost, each as a whole (`NORMAL`,
   * faster).
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

type Defaulted = 'synchronous' | 'busyTimeoutMs';

/** {@link SqliteOptions} with an absolute directory and the defaults filled in. */
export type SqliteSettings = ResolvedOptions<SqliteOptions, Defaulted>;

export const sqliteOptions: OptionRules<SqliteOptions, Defaulted> = {
  directory: required(ruleOf('the path of a directory', isPath)),
  synchronous: oneOf(['FULL', 'NORMAL'], 'FULL'),
  busyTimeoutMs: durationMs(0, 5_000),
};

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {@link InvalidOptionError} if an option is unknown or missing, or its value does not fit.
 */
export function settingsFrom(options: object): SqliteSettings {
  assertNoUrl((options as Partial<SqliteOptions> | undefined)?.directory);
  const settings = resolveOptions(
    options as SqliteOptions,
    sqliteOptions,
    'sqlite()',
    "sqlite({ directory: 'data' })",
  );
  // Absolute, so that threads and processes with another working directory open the same files.
  return { ...settings, directory: resolve(settings.directory) };
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function assertNoUrl(directory: unknown): void {
  if (directory === ':memory:') {
    throw new InvalidOptionError('sqlite() keeps files; for memory, use memory().');
  }
  if (directory instanceof URL || (typeof directory === 'string' && /^file:\/\//i.test(directory))) {
    throw new InvalidOptionError(
      "Option 'directory' of sqlite() takes a path, not a URL: use fileURLToPath().",
    );
  }
}
