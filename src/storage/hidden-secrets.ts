import { inspect } from 'node:util';
import type { StorageOptions } from './storage.ts';

const hidden = '(hidden)';

/**
 * Returns options whose secrets `console.log` does not show. They stay plain data: clones and JSON, with which other
 * processes open the storage, hold the secrets.
 */
export function withHiddenSecrets(
  options: StorageOptions,
  rules: Readonly<Record<string, { readonly isSecret?: boolean }>>,
): StorageOptions {
  const shown = () =>
    Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, rules[name]?.isSecret ? hidden : value]),
    );
  // Not enumerable, so that clones and copies of the options are plain data.
  return Object.defineProperty({ ...options }, inspect.custom, { value: shown });
}
