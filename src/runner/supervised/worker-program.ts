import { siblingFile } from '../../util/environment/bundle.ts';
import { BundledError } from '../errors.ts';

/**
 * Returns the URL of a program of workers, in the folder of the module that starts them.
 *
 * @throws {@link BundledError} if there is no such file.
 */
export function workerProgram(moduleUrl: string | undefined, name: string, runner: string): URL {
  const program = siblingFile(moduleUrl, name);
  if (program === undefined) throw new BundledError(runner);
  return program;
}
