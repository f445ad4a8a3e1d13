/** The command line is invalid. */
export class UsageError extends Error {}

/** The job cannot run with this input or storage. The message explains it completely. */
export class InputError extends Error {}

/** The job was stopped by a signal. */
export class StoppedError extends Error {}
