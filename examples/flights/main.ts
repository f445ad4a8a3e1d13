import { DownstreamError, RecordConflictError, StorageError } from 'kahn';
import { InputError, StoppedError, UsageError } from './job/errors.ts';
import { stopSignal } from './job/interruption.ts';
import { runJob } from './job/job.ts';
import { help, optionsFrom } from './job/options.ts';

/** Prints an expected error and returns the exit code. Throws an unexpected error again: it is a bug. */
function exitCodeOf(error: unknown): number {
  if (error instanceof StoppedError) {
    console.error(
      `\n  ${error.message} All finished work is recorded: the same command continues from there.`,
    );
    return 130;
  }
  if (error instanceof UsageError) {
    console.error(`${error.message}\nRun 'npm start -- --help' to see all options.`);
    return 2;
  }
  const cause = error instanceof DownstreamError ? error.cause : error;
  if (cause instanceof InputError || cause instanceof StorageError) {
    console.error(cause.message);
    return 1;
  }
  if (cause instanceof RecordConflictError) {
    console.error(`${cause.message} Check whether another run is using the same storage.`);
    return 1;
  }
  throw error;
}

try {
  const options = optionsFrom(process.argv.slice(2));
  if (options === undefined) process.stdout.write(help);
  else process.exitCode = (await runJob(options, stopSignal())) ? 0 : 1;
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
