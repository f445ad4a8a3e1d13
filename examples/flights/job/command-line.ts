import { fileURLToPath } from 'node:url';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './errors.ts';

/** Parses the arguments and returns the values of the options. Throws {@link UsageError}. */
export function parse<const T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Returns the path of a file with real flights. Throws {@link UsageError} if there is no file of this size. */
export function shippedFile(size: string, sizes: readonly string[]): string {
  if (!sizes.includes(size)) {
    throw new UsageError(`There is no --size '${size}': choose one of ${sizes.join(', ')}.`);
  }
  const url = new URL(`../data/flights-${size}.json`, import.meta.resolve('vega-datasets'));
  return fileURLToPath(url);
}
