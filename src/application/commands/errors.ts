import type { NotEncodableError } from '../../storage/codec/errors.ts';
import type { RecordConflictError } from '../../storage/errors.ts';
import type { StoredCommand } from '../../storage/recorder.ts';
import { KahnError } from '../../util/errors.ts';
import { timeText } from '../../util/time.ts';

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

/** An idempotency key was used for another command. Nothing is recorded. */
export class IdempotencyKeyReusedError extends KahnError {
  override readonly code = 'IDEMPOTENCY_KEY_REUSED';
  declare readonly applicationName: string;
  declare readonly key: string;
  /** Time of the first command with the key, in ms since 1970. */
  declare readonly timestamp: number;

  constructor(applicationName: string, { key, timestamp }: StoredCommand) {
    super(
      `Application '${applicationName}' has recorded another command with the idempotency key '${key}' at ` +
        `${timeText(timestamp)}. Use a new key for each command, and the same key only to repeat one. If it is the same ` +
        'command with different data, such as times or new ids, pass the option `request`.',
      { applicationName, key, timestamp },
    );
  }
}

/** The storage of an application keeps no idempotency keys. */
export class KeysUnsupportedError extends KahnError {
  override readonly code = 'KEYS_UNSUPPORTED';
  declare readonly applicationName: string;

  constructor(applicationName: string) {
    super(
      `The storage of application '${applicationName}' keeps no idempotency keys. Use memory(), sqlite({ … }) or ` +
        'postgres({ … }), or a storage whose recorder has the methods command() and deleteCommands().',
      { applicationName },
    );
  }
}

/** The result of an update with an idempotency key cannot be restored exactly. Nothing is recorded. */
export class ResultNotEncodableError extends KahnError {
  override readonly code = 'RESULT_NOT_ENCODABLE';
  declare readonly applicationName: string;
  declare readonly originatorId: string;
  /** Path to the part of the result, such as `items[2].price`. */
  declare readonly path: string;

  constructor(applicationName: string, originatorId: string, cause: NotEncodableError) {
    super(
      `Application '${applicationName}' cannot record what the update of aggregate '${originatorId}' returned, which a ` +
        `repetition of its idempotency key resolves with. ${cause.message} Return plain data, such as an id.`,
      { cause, applicationName, originatorId, path: cause.path },
    );
  }
}
