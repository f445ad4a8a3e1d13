/** Statement for the driver. With a name it is prepared once per connection. */
export interface DriverQuery {
  text: string;
  name?: string;
  values?: unknown[];
  rowMode: 'array';
  types?: { getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown };
  query_timeout?: number;
}

/** Statement of a user for the driver, with more options of the driver. */
export interface UserQuery {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** Notification from the driver. */
export interface DriverNotification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

/** The part of a `pg.PoolClient` that kahn uses. */
export interface PostgresClient {
  query(query: DriverQuery): Promise<{ rows: unknown[][] }>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'notification', listener: (notification: DriverNotification) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  release(destroy?: boolean): void;
}

/** The part of a `pg.Pool` that kahn uses. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}
