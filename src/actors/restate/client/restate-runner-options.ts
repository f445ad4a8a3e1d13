import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { RunnerOptions } from '../../../runner/runner-options.ts';
import { assertPipelineIds } from '../../../runner/supervised/assignment.ts';
import { InvalidOptionError } from '../../../util/options.ts';
import { assertActorName } from '../protocol/actor-names.ts';

/** How a runner on Restate is started. What has to do with processing is an option of the service. */
export interface RestateRunnerOptions extends Omit<RunnerOptions, 'batchSize' | 'pollIntervalMs'> {
  /** Where the engine takes calls; `http://localhost:8080` by default. */
  readonly ingressUrl?: string;
  /**
   * Where the engine is administered. If it is given, a start finds out whether the engine is new enough, and takes
   * calls back that are not answered.
   */
  readonly adminUrl?: string;
  /** What every request to the engine carries besides, `authorization` for instance; never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How often actors look for what no prompt has told of, in milliseconds; 5,000 by default, on any storage. */
  readonly pollIntervalMs?: number;
  /** By which name its services serve the system; by default its own name, which it then needs to have. */
  readonly systemActorName?: string;
  /** The pipelines to run, all in the same engine; `[0]` by default. */
  readonly pipelineIds?: readonly number[];
  /** Whether `close()` stops the actors, too; else they go on without a runner. False by default. */
  readonly shutdownOnClose?: boolean;
}

/** The names of the options that other runners do not have. */
export const ownOptions: readonly string[] = [
  'ingressUrl',
  'adminUrl',
  'headers',
  'systemActorName',
  'pipelineIds',
  'shutdownOnClose',
];

/** All of them, checked. */
export interface RestateSettings {
  readonly ingressUrl: string;
  readonly adminUrl: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly systemActorName: string;
  readonly pipelineIds: readonly number[];
  readonly shutdownOnClose: boolean;
}

/** Checks the options and fills in the defaults; throws {@link InvalidOptionError}. */
export function settingsOf(options: RestateRunnerOptions, systemName: string): RestateSettings {
  const { systemActorName = systemName, pipelineIds = [0], shutdownOnClose = false, headers = {} } = options;
  if ('batchSize' in options) {
    throw new InvalidOptionError('batchSize is an option of RestateService, where the system is processed.');
  }
  assertActorName(systemActorName);
  if (typeof shutdownOnClose !== 'boolean') {
    throw new InvalidOptionError(`shutdownOnClose must be true or false, but is ${String(shutdownOnClose)}.`);
  }
  assertPipelineIds(pipelineIds);
  assertHeaders(headers);
  const ingressUrl = urlOf('ingressUrl', options.ingressUrl ?? 'http://localhost:8080');
  const adminUrl = options.adminUrl === undefined ? undefined : urlOf('adminUrl', options.adminUrl);
  return { ingressUrl, adminUrl, headers, systemActorName, pipelineIds, shutdownOnClose };
}

/** The URL that an option is; throws {@link InvalidOptionError} if it is none. */
export function urlOf(name: string, value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url !== null && (url.username || url.password || url.search || url.hash)) {
    throw new InvalidOptionError(
      `${name} must have no user, password, query or fragment: what authorizes a request belongs into headers.`,
    );
  }
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href;
  throw new InvalidOptionError(`${name} must be a URL such as http://engine:8080, but is ${String(value)}.`);
}

/** Throws {@link InvalidOptionError} unless they can be sent; their values are kept secret. */
export function assertHeaders(headers: unknown): asserts headers is Readonly<Record<string, string>> {
  const isObject = typeof headers === 'object' && headers !== null;
  const wrong = isObject ? Object.entries(headers).find(([name, value]) => !isHeader(name, value)) : [];
  if (wrong === undefined) return;
  const which = wrong[0] === undefined ? '' : `, but '${wrong[0]}' is none`;
  throw new InvalidOptionError(`headers must be an object of HTTP headers, texts by their names${which}.`);
}

function isHeader(name: string, value: unknown): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, String(value));
    return typeof value === 'string';
  } catch {
    return false;
  }
}
