import type { StorageDescription } from '../../../storage/storage.ts';
import { assertOptions, assertWholeNumber, InvalidOptionError } from '../../../util/options.ts';
import { assertActorName } from '../protocol/actor-names.ts';

/** How a service is started. */
export interface RestateServiceOptions {
  /** Where the applications record; the same as that of the runners. Not `memory()`. */
  readonly storage?: StorageDescription;
  /** Tells the actors from those of other systems in the engine; by default the system's name, which it then needs. */
  readonly systemActorName?: string;
  /** Where it listens for the engine; 9,080 by default, 0 is any that is free. */
  readonly port?: number;
  /** The address it listens at; all by default. */
  readonly hostname?: string;
  /**
   * The public keys of engines that sign what they ask, `publickeyv1_…` each: anything else is turned away. By default
   * whoever reaches the port is answered.
   */
  readonly identityKeys?: readonly string[];
  /** How many notifications are processed in one transaction at most; 500 by default. */
  readonly batchSize?: number;
  /** How many events the cache of an application holds at most; 10,000 by default. */
  readonly cacheSize?: number;
  /** How long `close()` lets the steps under way end, in milliseconds; 10,000 by default. */
  readonly drainTimeoutMs?: number;
}

const ownOptions = [
  'storage',
  'systemActorName',
  'port',
  'hostname',
  'identityKeys',
  'batchSize',
  'cacheSize',
  'drainTimeoutMs',
];

/** Throws {@link InvalidOptionError} if an option is wrong. */
export function assertServiceOptions(options: RestateServiceOptions, systemName: string): void {
  assertOptions(options, ownOptions, 'A service');
  const {
    batchSize = 1,
    cacheSize = 0,
    drainTimeoutMs = 0,
    port = 0,
    hostname = '',
    systemActorName = systemName,
    identityKeys,
  } = options;
  assertActorName(systemActorName);
  assertWholeNumber(batchSize, 'batchSize', 1);
  assertWholeNumber(cacheSize, 'cacheSize', 0);
  assertUpTo(drainTimeoutMs, 'drainTimeoutMs', 2 ** 31 - 1);
  assertUpTo(port, 'port', 2 ** 16 - 1);
  if (typeof hostname !== 'string') {
    throw new InvalidOptionError(`hostname must be a string, but is ${String(hostname)}.`);
  }
  if (identityKeys !== undefined) assertIdentityKeys(identityKeys);
}

function assertUpTo(value: unknown, name: string, most: number): void {
  assertWholeNumber(value, name, 0);
  if (Number(value) <= most) return;
  throw new InvalidOptionError(`${name} must be at most ${most}, but is ${String(value)}.`);
}

/** None at all would let everybody in, which nobody means who names them. */
function assertIdentityKeys(keys: unknown): void {
  const isKey = (key: unknown) => typeof key === 'string' && key.startsWith('publickeyv1_');
  if (Array.isArray(keys) && keys.length > 0 && keys.every(isKey)) return;
  throw new InvalidOptionError(
    'identityKeys must be one public key of an engine or more, each a text that starts with publickeyv1_.',
  );
}
