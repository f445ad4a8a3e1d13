import { KahnError } from '../util/errors.ts';

/** A system's definition is wrong; the message names the class and what to do. */
export class InvalidSystemError extends KahnError {
  override readonly code = 'INVALID_SYSTEM';
}

/** A system was bound to storage twice. */
export class SystemBoundError extends KahnError {
  override readonly code = 'SYSTEM_BOUND';
}

/** A system was started while it is running. */
export class SystemRunningError extends KahnError {
  override readonly code = 'SYSTEM_RUNNING';
}

/** A class was asked for that is not part of the system. */
export class UnknownApplicationError extends KahnError {
  override readonly code = 'UNKNOWN_APPLICATION';
}
