import { inspect } from 'node:util';
import { InvalidStorageError } from '../errors.ts';
import type { PostgresPool } from './driver-types.ts';
import { assertSchema } from './identifiers.ts';

/** How the server is known and told who asks; texts in PEM. */
export type PostgresTls = {
  /** Whether a server is refused whose certificate cannot be verified; true by default. */
  readonly rejectUnauthorized?: boolean;
  /** The authorities that are trusted, in place of those that Node trusts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must have, if it is not that of the host. */
  readonly servername?: string;
};

/** Which database, and how patiently it is used. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; by default what the PGHOST family of variables says. */
  readonly connectionString?: string;
  /**
   * A pool of your own, of the driver `pg`, in place of a connection string; you end it. It stays in this thread:
   * the description cannot be opened by another one.
   */
  readonly pool?: PostgresPool;
  /** The schema that holds the tables of the system: lower-case letters, digits and `_`; `kahn` by default. */
  readonly schema?: string;
  /** Whether TLS is required, and with what; by default what the connection string says. */
  readonly tls?: boolean | PostgresTls;
  /** How many connections are open at most, besides the one that listens; 10 by default. */
  readonly poolSize?: number;
  /** How long connecting, or waiting for a free connection, may take; 5,000 by default. */
  readonly connectionTimeoutMs?: number;
  /** How long one statement may take; 30,000 by default. */
  readonly statementTimeoutMs?: number;
  /** How long a call is tried again while the server is busy or away; 10,000 by default. */
  readonly retryTimeoutMs?: number;
  /**
   * Whether connections go through a pooler that changes servers between transactions, such as PgBouncer in
   * transaction mode: then nothing is used that belongs to a session. False by default.
   */
  readonly transactionPooler?: boolean;
  /** A direct way to the server for LISTEN, if `connectionString` or `pool` lead to such a pooler. */
  readonly listenConnectionString?: string;
}

/** All options but the pool, which is known by an id. */
export interface PostgresSettings {
  readonly connectionString?: string;
  readonly poolId?: string;
  readonly schema: string;
  readonly tls?: boolean | PostgresTls;
  readonly poolSize: number;
  readonly connectionTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly retryTimeoutMs: number;
  readonly transactionPooler: boolean;
  readonly listenConnectionString?: string;
}

const maxMs = 0x7fffffff; // the longest time that Node and the server can wait
const tlsTexts = ['ca', 'cert', 'key', 'servername'];
const known = [
  'connectionString',
  'pool',
  'schema',
  'tls',
  'poolSize',
  'connectionTimeoutMs',
  'statementTimeoutMs',
  'retryTimeoutMs',
  'transactionPooler',
  'listenConnectionString',
];

/** Checks the options and fills in the defaults; throws {@link InvalidStorageError}. */
export function settingsFrom(options: Readonly<Record<string, unknown>>): PostgresSettings {
  const unknown = Object.keys(options).find((name) => !known.includes(name) && name !== 'poolId');
  if (unknown !== undefined) throw invalid(unknown, `is none of the options ${known.join(', ')}`);
  const { connectionString, listenConnectionString, tls, poolId } = options;
  if (tls !== undefined && /[?&]ssl/.test(`${connectionString} ${listenConnectionString}`)) {
    throw invalid('tls', 'the connection string decides already: leave one of them out');
  }
  const { schema = 'kahn', transactionPooler = false } = options;
  assertSchema(schema);
  if (typeof transactionPooler !== 'boolean') throw invalid('transactionPooler', 'is neither true nor false');
  return {
    ...(connectionString !== undefined && { connectionString: url('connectionString', connectionString) }),
    ...(listenConnectionString !== undefined && {
      listenConnectionString: url('listenConnectionString', listenConnectionString),
    }),
    ...(tls !== undefined && { tls: tlsFrom(tls) }),
    ...(poolId !== undefined && { poolId: String(poolId) }),
    schema,
    transactionPooler,
    poolSize: wholeNumber('poolSize', options.poolSize ?? 10, 1),
    connectionTimeoutMs: wholeNumber('connectionTimeoutMs', options.connectionTimeoutMs ?? 5_000, 1),
    statementTimeoutMs: wholeNumber('statementTimeoutMs', options.statementTimeoutMs ?? 30_000, 1),
    retryTimeoutMs: wholeNumber('retryTimeoutMs', options.retryTimeoutMs ?? 10_000, 0),
  };
}

/** Throws {@link InvalidStorageError} if there are options that a pool passed with them decides. */
export function assertPoolAlone(options: Readonly<Record<string, unknown>>): void {
  const own = ['connectionString', 'tls', 'poolSize'].find((name) => options[name] !== undefined);
  if (own !== undefined) throw invalid(own, 'belongs to connections of its own: leave it out, or the pool');
}

/** What is wrong is named, but never shown: it may hold a password. */
function url(name: string, value: unknown): string {
  if (typeof value === 'string' && /^postgres(ql)?:\/\/\S+$|^socket:\S+$/.test(value)) return value;
  throw invalid(name, 'is no URL such as postgres://user:password@host:5432/database');
}

function tlsFrom(value: unknown): boolean | PostgresTls {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null)
    throw invalid('tls', 'is neither true, false nor an object');
  for (const [name, part] of Object.entries(value)) {
    const fits = name === 'rejectUnauthorized' ? typeof part === 'boolean' : tlsTexts.includes(name);
    if (!fits || (name !== 'rejectUnauthorized' && typeof part !== 'string')) {
      throw invalid(
        `tls.${name}`,
        `is not one of rejectUnauthorized (true or false), ${tlsTexts.join(', ')} (texts)`,
      );
    }
  }
  return { ...value };
}

function wholeNumber(name: string, value: unknown, least: number): number {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= maxMs) return Number(value);
  throw invalid(name, `is ${inspect(value)}, not a whole number from ${least} to ${maxMs}`);
}

function invalid(name: string, fault: string): InvalidStorageError {
  return new InvalidStorageError(`postgres() was given the option '${name}', which ${fault}.`);
}
