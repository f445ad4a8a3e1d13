import { InputError, StoppedError, UsageError } from '../flights/job/errors.ts';
import { stopSignal } from '../flights/job/interruption.ts';
import { help, optionsFrom } from './options.ts';
import { simulate } from './simulation.ts';

/** Prints an expected error and returns the exit code. Throws an unexpected error again: it is a bug. */
function exitCodeOf(error: unknown): number {
  if (error instanceof StoppedError) {
    console.error(`\n  ${error.message}`);
    return 130;
  }
  if (error instanceof UsageError) {
    console.error(`${error.message}\nRun 'npm run simulate -- --help' to see all options.`);
    return 2;
  }
  if (error instanceof InputError) {
    console.error(error.message);
    return 1;
  }
  throw error;
}

try {
  const options = optionsFrom(process.argv.slice(2));
  if (options === undefined) process.stdout.write(help);
  else process.exitCode = (await simulate(options, stopSignal())) ? 0 : 1;
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
