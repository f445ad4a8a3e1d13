import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import type { Client, ClientBase, ClientConfig } from 'pg';
import { InvalidStorageError } from '../../errors.ts';
import { type PostgresPool, patient } from '../driver-types.ts';
import type { PostgresSettings, PostgresTls } from '../options.ts';
import { sql } from '../statements.ts';
import { poolOfId } from './borrowed-pools.ts';
import { type Driver, loadDriver } from './driver.ts';
import type { ListeningClient } from './listener.ts';
import { Sockets } from './sockets.ts';

/** A way to a server. */
export interface Server {
  readonly pool: PostgresPool;
  /** Whether each connection keeps its session and is ours alone, so that statements may be prepared on it. */
  readonly ownsSessions: boolean;
  /** Which database on which server; holds no secret. */
  readonly name: string;
  /** Makes a connection that keeps its session; undefined if there is no way to one. */
  readonly listen: (() => Promise<ListeningClient>) | undefined;
  /** Closes the connections of our own. */
  close(): Promise<void>;
}

/** Networks may forget connections on which nothing is sent for minutes. */
const keepAliveMs = 30_000;

/** Finds the pool or makes one, connecting nothing yet. Throws InvalidStorageError. */
export async function reach(settings: PostgresSettings): Promise<Server> {
  const driver = await loadDriver();
  const direct = directConfig(driver, settings);
  const listen = direct && (() => connected(driver, direct));
  return settings.poolId === undefined
    ? ownServer(driver, settings, listen)
    : lentServer(settings.poolId, settings, listen);
}

function ownServer(driver: Driver, settings: PostgresSettings, listen: Server['listen']): Server {
  const config = configOf(driver, settings, settings.connectionString);
  const { host, port, database } = parsed(driver, config);
  const setUp = async (client: ClientBase) => {
    await client.query(sql.settings.text, [settings.statementTimeoutMs]);
  };
  const sockets = new Sockets();
  const pool = new driver.Pool({
    ...config,
    stream: sockets.create,
    max: settings.poolSize,
    ...(!settings.transactionPooler && { onConnect: setUp }),
  });
  pool.on('error', () => {}); // of a connection that nobody uses; the next one is made when it is needed
  return {
    pool,
    ownsSessions: !settings.transactionPooler,
    name: `database '${database}' at ${host}:${port}`,
    listen,
    close: () => sockets.end(() => pool.end()),
  };
}

function lentServer(
  poolId: string,
  { transactionPooler, connectionTimeoutMs }: PostgresSettings,
  listen: Server['listen'],
): Server {
  const lent = poolOfId(poolId);
  if (lent === undefined) {
    throw new InvalidStorageError(
      'This postgres({ pool }) was made in another thread or process, and a pool cannot go there. ' +
        'Give postgres() a connectionString instead.',
    );
  }
  const pool = patient(lent, connectionTimeoutMs);
  return {
    pool,
    ownsSessions: false,
    name: 'the database of its pool',
    listen: listen ?? (transactionPooler ? undefined : () => borrowed(pool, connectionTimeoutMs)),
    close: async () => {},
  };
}

/** How to connect for LISTEN; undefined if there is no way but a pool. */
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
    query_timeout: connectionTimeoutMs, // of what makes a connection ready: other statements bring their own
  };
  if (tls === undefined) return config;
  return { ...config, ssl: tls !== false && verifying(tls, parsed(driver, config).host) };
}

/**
 * Has the name checked that is asked for, or else the host: the driver puts the host in place of any `servername`,
 * and `localhost` in place of an address.
 */
function verifying(tls: true | PostgresTls, host: string): ConnectionOptions {
  const options = tls === true ? {} : tls;
  const { servername = host } = options;
  return {
    ...options,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(servername, certificate),
  };
}

/** A client that is not connected yet. What is wrong with its URL is not shown: it may hold a password. */
function parsed({ Client }: Driver, config: ClientConfig): Client {
  try {
    return new Client(config);
  } catch {
    throw new InvalidStorageError(
      'postgres() was given a connection string that the driver cannot read. ' +
        'Check that special characters in its password are percent-encoded, and the files that it names.',
    );
  }
}

/** Makes a connection that is closed in a limited time, though the server does not answer any more. */
async function connected(driver: Driver, config: ClientConfig): Promise<ListeningClient> {
  const sockets = new Sockets();
  const client = parsed(driver, { ...config, stream: sockets.create });
  client.on('error', () => {}); // shows as its end
  await client.connect();
  return {
    on: client.on.bind(client),
    query: (query) => client.query(query),
    end: () => sockets.end(() => client.end()),
  };
}

/** A connection taken out of a pool for good: what listens on it must not be given to anybody else. */
async function borrowed(pool: PostgresPool, timeoutMs: number): Promise<ListeningClient> {
  const client = await pool.connect();
  return {
    on: client.on.bind(client),
    query: (query) => client.query({ ...query, query_timeout: timeoutMs }),
    end: async () => client.release(true),
  };
}
