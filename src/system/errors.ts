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

/** The module of a system cannot be imported, or does not export just one system of the name asked for. */
export class SystemModuleError extends KahnError {
  override readonly code = 'SYSTEM_MODULE';
  /** The URL of the module. */
  readonly module: string;
  readonly systemName: string;

  constructor(module: string, systemName: string, what: string, options?: { cause: unknown }) {
    super(`System '${systemName}' cannot be found again by its module '${module}': ${what}`, options);
    this.module = module;
    this.systemName = systemName;
  }
}

/** A class was asked for that is not part of the system. */
export class UnknownApplicationError extends KahnError {
  override readonly code = 'UNKNOWN_APPLICATION';
}
