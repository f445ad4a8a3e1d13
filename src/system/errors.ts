import { KahnError } from '../util/errors.ts';

/** The definition of a system is invalid. */
export class InvalidSystemError extends KahnError {
  override readonly code = 'INVALID_SYSTEM';
}

/** A system that is bound to storage was bound again. */
export class SystemBoundError extends KahnError {
  override readonly code = 'SYSTEM_BOUND';
}

/** A system was started while another runner runs the system. */
export class SystemRunningError extends KahnError {
  override readonly code = 'SYSTEM_RUNNING';
}

/** The module of a system cannot be imported, or does not export exactly one system of that name. */
export class SystemModuleError extends KahnError {
  override readonly code = 'SYSTEM_MODULE';
  /** The URL of the module. */
  declare readonly module: string;
  declare readonly systemName: string;

  constructor(module: string, systemName: string, what: string, cause?: unknown) {
    super(`Cannot load system '${systemName}' from its module '${module}': ${what}`, {
      module,
      systemName,
      ...(cause !== undefined && { cause }),
    });
  }
}

/** The system or the storage has no such application. */
export class UnknownApplicationError extends KahnError {
  override readonly code = 'UNKNOWN_APPLICATION';
}
