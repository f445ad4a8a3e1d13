import type { RecordConflictError } from '../../storage/errors.ts';
import { KahnError } from '../../util/errors.ts';

/** An update has lost a race in each of its tries: other writers keep changing the aggregate. Nothing is recorded. */
export class UpdateConflictError extends KahnError {
  override readonly code = 'UPDATE_CONFLICT';
  declare readonly applicationName: string;
  declare readonly originatorId: string;
  /** Number of tries. */
  declare readonly tries: number;

  constructor(tries: number, cause: RecordConflictError) {
    const { applicationName, originatorId } = cause;
    super(
      `Application '${applicationName}' could not update aggregate '${originatorId}' in ${tries} ` +
        `${tries === 1 ? 'try' : 'tries'}: other writers keep changing it. Try again later, raise the option ` +
        '`retries`, or divide what the aggregate keeps among several.',
      { cause, applicationName, originatorId, tries },
    );
  }
}
