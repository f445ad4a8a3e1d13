import { durationMs, flag, integer, ruleOf, secret } from '../../util/option-rules.ts';
import {
  InvalidOptionError,
  type OptionRules,
  type ResolvedOptions,
  resolveOptions,
} from '../../util/options.ts';
import type { PostgresPool } from './driver-types.ts';

/** TLS settings that verify the server and identify this client. Certificates and keys are texts in PEM format. */
export type PostgresTls = {
  /** Whether to reject a server whose certificate cannot be verified. @default true, as in Node */
  readonly rejectUnauthorized?: boolean;
  /** Certificates of trusted authorities. @default the authorities that Node trusts */
  readonly ca?: string;
  /** Certificate of this client. @default none */
  readonly cert?: string;
  /** Private key of this client. @default none */
  readonly key?: string;
  /** Name that the server's certificate must have. @default the host of the connection */
  readonly servername?: string;
};

/** Options of {@link postgres}. */
export interface PostgresOptions {
  /** URL of the database: `postgres://user:password@host:port/database`. @default the PGHOST family of variables */
  readonly connectionString?: string;
  /**
   * Pool of the driver `pg` in place of a connection string. You end the pool after use. Other threads and processes
   * cannot open the storage.
   *
   * @default none
   */
  readonly pool?: PostgresPool;
  /** Schema for the tables of the system: lower-case letters, digits and `_`. @default 'kahn' */
  readonly schema?: string;
  /** Whether to require TLS, and its settings. @default the setting of the connection string */
  readonly tls?: boolean | PostgresTls;
  /**
   * Largest number of open connections, besides the connection that listens. With a single one, a follower that loses
   * races to commands cannot make them wait.
   *
   * @default 10
   */
  readonly poolSize?: number;
  /** Longest wait to connect, or for a free connection, in ms. @default 5000 */
  readonly connectionTimeoutMs?: number;
  /** Longest time that one statement may take, in ms. @default 30000 */
  readonly statementTimeoutMs?: number;
  /** Time for which a call is retried while the server is busy or unreachable, in ms. @default 10000 */
  readonly retryTimeoutMs?: number;
  /**
   * Whether connections pass through a pooler that changes servers between transactions, such as PgBouncer in
   * transaction mode. If so, nothing that needs a session is used.
   *
   * @default false
   */
  readonly transactionPooler?: boolean;
  /**
   * URL of a direct connection for LISTEN, where `connectionString` or `pool` leads to a transaction pooler.
   *
   * @default none
   */
  readonly listenConnectionString?: string;
}

type Defaulted =
  | 'schema'
  | 'poolSize'
  | 'connectionTimeoutMs'
  | 'statementTimeoutMs'
  | 'retryTimeoutMs'
  | 'transactionPooler';

/** {@link PostgresOptions} as plain data, with the defaults filled in and an id in place of the pool. */
export type PostgresSettings = ResolvedOptions<SettingsOptions, Defaulted>;

type SettingsOptions = Omit<PostgresOptions, 'pool'> & { readonly poolId?: string };

const url = 'a URL such as postgres://user:password@host:5432/database';
const schemaName =
  'a name of up to 63 lower-case letters, digits and underscores that starts with neither a digit nor pg_ ' +
  'and is not information_schema';

export const postgresOptions: OptionRules<PostgresOptions, Defaulted> = {
  connectionString: secret(ruleOf(url, isUrl)),
  pool: secret(ruleOf("a Pool of the driver 'pg'", isPool)),
  schema: ruleOf(schemaName, isSchema, 'kahn'),
  tls: secret(ruleOf('true, false or an object', isFlagOrObject)),
  poolSize: integer({ least: 1 }, 10),
  connectionTimeoutMs: durationMs(1, 5_000),
  statementTimeoutMs: durationMs(1, 30_000),
  retryTimeoutMs: durationMs(0, 10_000),
  transactionPooler: flag(false),
  listenConnectionString: secret(ruleOf(url, isUrl)),
};

const { pool: _pool, ...rulesOfData } = postgresOptions;
const settingsRules: OptionRules<SettingsOptions, Defaulted> = {
  ...rulesOfData,
  poolId: ruleOf('a string', isString),
};

const text = secret(ruleOf<string>('a string', isString));
const tlsRules: OptionRules<PostgresTls> = {
  rejectUnauthorized: secret(flag()),
  ca: text,
  cert: text,
  key: text,
  servername: text,
};

const example = "postgres({ connectionString: 'postgres://…' })";

/**
 * Checks the options of `postgres()`. `registerPool` exchanges the pool for its id.
 *
 * @throws {@link InvalidOptionError} if an option is unknown, its value does not fit, or it contradicts another option.
 */
export function settingsOf(
  options: PostgresOptions,
  registerPool: (pool: PostgresPool) => string,
): PostgresSettings {
  resolveOptions(options, postgresOptions, 'postgres()', example);
  const { pool, ...others } = options;
  if (pool === undefined) return checkedSettings(others);
  for (const name of ['connectionString', 'tls', 'poolSize'] as const) {
    if (others[name] !== undefined) {
      throw new InvalidOptionError(
        `Option '${name}' of postgres() has no effect on a pool of your own: leave one of them out.`,
      );
    }
  }
  return checkedSettings({ ...others, poolId: registerPool(pool) });
}

/**
 * Checks settings and fills in the defaults.
 *
 * @throws {@link InvalidOptionError} if a setting is unknown, its value does not fit, or it contradicts another option.
 */
export function checkedSettings(options: object): PostgresSettings {
  const settings = resolveOptions(options as SettingsOptions, settingsRules, 'postgres()', example);
  const { connectionString, listenConnectionString, tls } = settings;
  if (tls === undefined) return settings;
  if (/[?&]ssl/.test(`${connectionString} ${listenConnectionString}`)) {
    throw new InvalidOptionError(
      "Option 'tls' of postgres() contradicts a connection string that sets SSL: leave one of them out.",
    );
  }
  if (typeof tls === 'boolean') return settings;
  return { ...settings, tls: resolveOptions(tls, tlsRules, 'postgres({ tls })') };
}

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

function isUrl(value: unknown): boolean {
  return typeof value === 'string' && /^postgres(ql)?:\/\/\S+$|^socket:\S+$/.test(value);
}

function isPool(value: unknown): boolean {
  return typeof (value as Partial<PostgresPool> | null)?.connect === 'function';
}

function isSchema(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[a-z_][a-z0-9_]{0,62}$/.test(value)) return false;
  return !value.startsWith('pg_') && value !== 'information_schema';
}

function isFlagOrObject(value: unknown): boolean {
  return typeof value === 'boolean' || (typeof value === 'object' && value !== null);
}
