/** The command line is wrong. */
export class UsageError extends Error {}

/** The job cannot be done with this input or this directory; the message says all there is to say. */
export class InputError extends Error {}

/** The job was told to stop, and did. */
export class StoppedError extends Error {}
