import { assertPipelineIds } from '../../runner/peers/role.ts';
import type { RunnerOptions } from '../../system/system-runner.ts';
import { InvalidOptionError } from '../../util/options.ts';
import { assertActorName } from './names.ts';

/** How a runner on Restate is started. What has to do with processing is an option of the service. */
export interface RestateOptions extends Omit<RunnerOptions, 'batchSize'> {
  /** Where the engine takes calls; `http://localhost:8080` by default. */
  readonly ingressUrl?: string;
  /** Where the engine is administered; `http://localhost:9070` by default. */
  readonly adminUrl?: string;
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
  'systemActorName',
  'pipelineIds',
  'shutdownOnClose',
];

/** All of them, checked. */
export interface RestateSettings {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  readonly systemActorName: string;
  readonly pipelineIds: readonly number[];
  readonly shutdownOnClose: boolean;
}

/** Checks the options and fills in the defaults; throws {@link InvalidOptionError}. */
export function settingsOf(options: RestateOptions, systemName: string): RestateSettings {
  const { systemActorName = systemName, pipelineIds = [0], shutdownOnClose = false } = options;
  if ('batchSize' in options) {
    throw new InvalidOptionError('batchSize is an option of RestateService, where the system is processed.');
  }
  assertActorName(systemActorName);
  if (typeof shutdownOnClose !== 'boolean') {
    throw new InvalidOptionError(`shutdownOnClose must be true or false, but is ${String(shutdownOnClose)}.`);
  }
  assertPipelineIds(pipelineIds);
  const ingressUrl = urlOf('ingressUrl', options.ingressUrl ?? 'http://localhost:8080');
  const adminUrl = urlOf('adminUrl', options.adminUrl ?? 'http://localhost:9070');
  return { ingressUrl, adminUrl, systemActorName, pipelineIds, shutdownOnClose };
}

/** The URL that an option is; throws {@link InvalidOptionError} if it is none. */
export function urlOf(name: string, value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href;
  throw new InvalidOptionError(`${name} must be a URL such as http://engine:8080, but is ${String(value)}.`);
}
