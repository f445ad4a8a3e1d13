import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import type { Client, ClientBase, ClientConfig } from 'pg';
import { InvalidStorageError } from '../../errors.ts';
import type { PostgresPool } from '../driver-types.ts';
import { StandbyError } from '../errors.ts';
import type { PostgresSettings, PostgresTls } from '../options.ts';
import { sql } from '../statements.ts';
import { withAcquireTimeout } from './acquire-timeout.ts';
import { poolOfId } from './borrowed-pools.ts';
import { type Driver, loadDriver } from './driver.ts';
import type { ListeningClient } from './listener.ts';
import { Sockets } from './sockets.ts';

/** Connections to one PostgreSQL server. */
export interface Server {
  readonly pool: PostgresPool;
  /** Whether kahn alone uses each connection and its session, so that statements may be prepared. */
  readonly ownsSessions: boolean;
  /** Name of the database and the server, without a secret. */
  readonly name: string;
  /** Whether connections are used before it is known that they do not lead to a standby. */
  readonly mayBeStandby: boolean;
  /** Largest number of connections in the pool. */
  readonly poolSize: number;
  /** Connects for LISTEN, with a session of its own; undefined if no such connection is possible. */
  readonly listen: (() => Promise<ListeningClient>) | undefined;
  /** Closes the connections, except those of a user's pool. */
  close(): Promise<void>;
}

/** Delay before keep-alive packets, in ms: networks may drop connections that are idle for minutes. */
const keepAliveMs = 30_000;

/** Finds or creates the pool without connecting. Throws InvalidStorageError if the pool or the driver is missing. */
export async function serverOf(settings: PostgresSettings): Promise<Server> {
  const driver = await loadDriver();
  const direct = directConfig(driver, settings);
  const listen = direct && (() => connected(driver, direct));
  return settings.poolId === undefined
    ? serverOfOwnPool(driver, settings, listen)
    : serverOfUserPool(settings.poolId, settings, listen);
}

function serverOfOwnPool(driver: Driver, settings: PostgresSettings, listen: Server['listen']): Server {
  const config = configOf(driver, settings, settings.connectionString);
  const client = parsed(driver, config);
  const setUp = async (client: ClientBase) => {
    const { rows } = await client.query(sql.settings.text, [settings.statementTimeoutMs]);
    if (rows[0]?.is_standby) throw new StandbyError();
  };
  const sockets = new Sockets();
  const pool = new driver.Pool({
    ...config,
    stream: sockets.create,
    max: settings.poolSize,
    ...(!settings.transactionPooler && { onConnect: setUp }),
  });
  pool.on('error', () => {}); // an idle connection broke; the pool opens another connection when needed
  return {
    pool,
    ownsSessions: !settings.transactionPooler,
    name: nameOf(client, settings),
    poolSize: settings.poolSize,
    mayBeStandby: false, // see setUp; a pooler may change the server at any time
    listen,
    close: () => sockets.end(() => pool.end()),
  };
}

/** Names the database for messages. Without a connection string, the driver uses localhost unless PGHOST is set. */
function nameOf({ host, port, database }: Client, { connectionString }: PostgresSettings): string {
  const place = database ? `database '${database}' at ${host}:${port}` : `the database at ${host}:${port}`;
  const isGiven = connectionString !== undefined || process.env.PGHOST !== undefined;
  return isGiven ? place : `${place} (no connectionString was given, and PGHOST is not set)`;
}

function serverOfUserPool(
  poolId: string,
  { transactionPooler, connectionTimeoutMs }: PostgresSettings,
  listen: Server['listen'],
): Server {
  const userPool = poolOfId(poolId);
  if (userPool === undefined) {
    throw new InvalidStorageError(
      'postgres({ pool }) was called in another thread or process, and its pool cannot be used here. ' +
        'Pass a connectionString instead.',
    );
  }
  const pool = withAcquireTimeout(userPool, connectionTimeoutMs);
  return {
    pool,
    ownsSessions: false,
    name: 'the database of its pool',
    mayBeStandby: !transactionPooler,
    poolSize: (userPool as { options?: { max?: number } }).options?.max ?? Infinity,
    listen: listen ?? (transactionPooler ? undefined : () => takenFrom(pool, connectionTimeoutMs)),
    close: async () => {},
  };
}

/** Returns the settings of a direct connection for LISTEN; undefined if there is none. */
function directConfig(driver: Driver, settings: PostgresSettings): ClientConfig | undefined {
  const { listenConnectionString, connectionString, poolId, transactionPooler } = settings;
  if (listenConnectionString !== undefined) return configOf(driver, settings, listenConnectionString);
  if (poolId !== undefined || transactionPooler) return undefined;
  return configOf(driver, settings, connectionString);
}

function configOf(
  driver: Driver,
  { tls, connectionTimeoutMs }: PostgresSettings,
  connectionString: string | undefined,
): ClientConfig {
  const config: ClientConfig = {
    ...(connectionString !== undefined && { connectionString }),
    connectionTimeoutMillis: connectionTimeoutMs,
    fallback_application_name: 'kahn',
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    query_timeout: connectionTimeoutMs, // for the statements that set up a connection; other statements have their own
  };
  if (tls === undefined) return config;
  return { ...config, ssl: tls !== false && verifying(tls, parsed(driver, config).host) };
}

/**
 * Verifies the certificate against `servername`, or the host if none is given. The driver would replace `servername`
 * by the host, and an address by `localhost`.
 */
function verifying(tls: true | PostgresTls, host: string): ConnectionOptions {
  const options = tls === true ? {} : tls;
  const { servername = host } = options;
  return {
    ...options,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(servername, certificate),
  };
}

/** Creates a client that is not connected yet. Does not show the URL in errors: it may hold a password. */
function parsed({ Client }: Driver, config: ClientConfig): Client {
  try {
    return new Client(config);
  } catch {
    throw new InvalidStorageError(
      'The driver cannot read the connection string of postgres(). ' +
        'Check that special characters in its password are percent-encoded, and that the files it names exist.',
    );
  }
}

/** Connects. Closing the connection takes a limited time, even if the server does not answer. */
async function connected(driver: Driver, config: ClientConfig): Promise<ListeningClient> {
  const sockets = new Sockets();
  const client = parsed(driver, { ...config, stream: sockets.create });
  client.on('error', () => {}); // the connection ends after this
  await client.connect();
  return {
    on: client.on.bind(client),
    query: (query) => client.query(query),
    end: () => sockets.end(() => client.end()),
  };
}

/** Takes a connection out of a pool. It is closed afterwards, not given back, because it listens. */
async function takenFrom(pool: PostgresPool, timeoutMs: number): Promise<ListeningClient> {
  const client = await pool.connect();
  return {
    on: client.on.bind(client),
    query: (query) => client.query({ ...query, query_timeout: timeoutMs }),
    end: async () => client.release(true),
  };
}
