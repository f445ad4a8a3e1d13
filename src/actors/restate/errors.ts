import { KahnError } from '../../util/errors.ts';

/** The engine could not do what it was asked to; `code` says what was in the way. */
export class EngineError extends KahnError {
  override readonly code: EngineErrorCode;
  /** Which of its URLs was used. */
  readonly url: string;

  constructor(code: EngineErrorCode, url: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.url = url;
  }
}

export type EngineErrorCode =
  /** It cannot be reached. */
  | 'ENGINE_UNREACHABLE'
  /** What answers there is no Restate engine, or not that side of it. */
  | 'ENGINE_FOREIGN'
  /** It is older than what kahn needs. */
  | 'ENGINE_TOO_OLD'
  /** It has answered with an error. */
  | 'ENGINE_FAILED'
  /** No service of the system is registered with it. */
  | 'SERVICE_NOT_REGISTERED'
  /** The service of the system is registered, but does not answer the engine. */
  | 'SERVICE_UNREACHABLE';

/** The actors of the system run, or are served, otherwise than this runner would have them. */
export class ActorsMismatchError extends KahnError {
  override readonly code = 'ACTORS_MISMATCH';
}

/** The actors of the system were shut down, by another runner perhaps: nothing is processed until the next start. */
export class ActorsStoppedError extends KahnError {
  override readonly code = 'ACTORS_STOPPED';
}

/** The service looks for what a runner has recorded in another storage than that of the runner. */
export class StorageMismatchError extends KahnError {
  override readonly code = 'STORAGE_MISMATCH';
  readonly applicationName: string;
  readonly upstreamName: string;

  constructor(applicationName: string, upstreamName: string, expected: number, actual: number) {
    super(
      `Application '${applicationName}' was told that the log of '${upstreamName}' has ${expected} notifications, but ` +
        `where its service looks there are ${actual}: give the runner and the service the same database and schema.`,
    );
    this.applicationName = applicationName;
    this.upstreamName = upstreamName;
  }
}
