import { failureTextOf, KahnError } from '../../util/errors.ts';

/** A resource of a system cannot be opened or closed. */
export class ResourceError extends KahnError {
  override readonly code = 'RESOURCE_FAILED';
  declare readonly resourceName: string;

  constructor(resourceName: string, what: 'opened' | 'closed', cause: unknown) {
    super(`Resource '${resourceName}' cannot be ${what}: ${failureTextOf(cause)}`, { cause, resourceName });
  }
}
