import { abortSignal, ruleOf } from '../../../util/option-rules.ts';
import type { OptionRules } from '../../../util/options.ts';

/** Progress of {@link backup}. */
export interface BackupProgress {
  /** Number of pages of the file that are copied. */
  readonly copiedPages: number;
  /** Number of all pages of the file. */
  readonly totalPages: number;
}

/** Options of {@link backup}. */
export interface BackupOptions {
  /** Cancels the backup, which leaves no file. @default none */
  readonly signal?: AbortSignal | undefined;
  /** Called with the progress after every 2,048 pages, and after the last one. @default none */
  readonly onProgress?: (progress: BackupProgress) => void;
}

export const backupOptions: OptionRules<BackupOptions> = {
  signal: abortSignal(),
  onProgress: ruleOf('a function', (value) => typeof value === 'function'),
};
