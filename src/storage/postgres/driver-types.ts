/** A statement as the driver takes it; with a name it is prepared once for each connection. */
export interface DriverQuery {
  text: string;
  name?: string;
  values?: unknown[];
  rowMode: 'array';
  types?: { getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown };
  query_timeout?: number;
}

/** A notification as the driver gives it. */
export interface DriverNotification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

/** What is used of a connection of the driver `pg`. */
export interface PostgresClient {
  query(query: DriverQuery): Promise<{ rows: unknown[][] }>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'notification', listener: (notification: DriverNotification) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  release(destroy?: boolean): void;
}

/** What is used of a pool of the driver `pg`: pass a `pg.Pool`. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}

/** A pool that waits for a connection for a limited time, which others need not. */
export function patient(pool: PostgresPool, timeoutMs: number): PostgresPool {
  return {
    connect() {
      const { promise, resolve, reject } = Promise.withResolvers<PostgresClient>();
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        reject(new Error('timeout exceeded when trying to connect')); // as the driver's pool says it
      }, timeoutMs);
      pool
        .connect()
        .then((client) => (isLate ? client.release() : resolve(client)), reject)
        .finally(() => clearTimeout(timer));
      return promise;
    },
  };
}
