import { DownstreamError, RecordConflictError, StorageError } from 'kahn';
import { InputError, StoppedError, UsageError } from './job/errors.ts';
import { stopSignal } from './job/interruption.ts';
import { runJob } from './job/job.ts';
import { help, optionsFrom } from './job/options.ts';

/** Says what is in the way, and gives the exit code. What is none of the expected is a bug: it is thrown on. */
function explained(error: unknown): number {
  if (error instanceof StoppedError) {
    console.error(`\n  ${error.message} All that was done is recorded: the same command goes on from there.`);
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
    console.error(`${cause.message} Is another run busy there?`);
    return 1;
  }
  throw error;
}

try {
  const options = optionsFrom(process.argv.slice(2));
  if (options === undefined) process.stdout.write(help);
  else process.exitCode = (await runJob(options, stopSignal())) ? 0 : 1;
} catch (error) {
  process.exitCode = explained(error);
}
