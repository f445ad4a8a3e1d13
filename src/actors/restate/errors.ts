import { KahnError } from '../../util/errors.ts';

/** A request to the engine failed; `code` says why. */
export class EngineError extends KahnError {
  declare readonly code: EngineErrorCode;
  /** The URL of the engine that was used: `ingressUrl` or `adminUrl`. */
  declare readonly url: string;

  constructor(code: EngineErrorCode, url: string, message: string, options?: { cause?: unknown }) {
    super(message, { ...options, code, url });
  }
}

/** Reason of an {@link EngineError}. */
export type EngineErrorCode =
  /** The engine cannot be reached. */
  | 'ENGINE_UNREACHABLE'
  /** The server at the URL is not a Restate engine, or this is the wrong port of it. */
  | 'ENGINE_FOREIGN'
  /** The engine's version is too old for kahn. */
  | 'ENGINE_TOO_OLD'
  /** The engine answered with an error. */
  | 'ENGINE_FAILED'
  /** No service of the system is registered with the engine. */
  | 'SERVICE_NOT_REGISTERED'
  /** The registered service of the system does not answer the engine. */
  | 'SERVICE_UNREACHABLE';

/** The system's actors run in other pipelines than the runner asks for, or their service serves another version. */
export class ActorsMismatchError extends KahnError {
  override readonly code = 'ACTORS_MISMATCH';
}

/** The system's actors were shut down, for example by another runner: processing resumes at the next start. */
export class ActorsStoppedError extends KahnError {
  override readonly code = 'ACTORS_STOPPED';
}

/** The service uses other storage than the runner. */
export class StorageMismatchError extends KahnError {
  override readonly code = 'STORAGE_MISMATCH';
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  /** Head of the upstream's log that a prompt has announced. */
  declare readonly expected: number;
  /** Head of that log in the storage of the service. */
  declare readonly actual: number;

  constructor(applicationName: string, upstreamName: string, expected: number, actual: number) {
    super(
      `Application '${applicationName}' expected at least ${expected} notifications in the log of '${upstreamName}', ` +
        `but the storage of its service has ${actual}: give the runner and the service the same database and schema.`,
      { applicationName, upstreamName, expected, actual },
    );
  }
}
