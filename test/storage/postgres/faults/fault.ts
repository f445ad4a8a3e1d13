import type { PostgresOptions } from 'kahn/postgres';
import pg from 'pg';
import type { Fate, PostgresProxy } from '../../../support/servers/postgres-proxy.ts';
import type { PostgresServer } from '../../../support/servers/postgres-server.ts';
import type { ShopUnderLoad } from './shop-under-load.ts';

/** The shop, its server and the network between them, in which a fault happens. */
export interface Scene {
  readonly server: PostgresServer;
  /** Proxy between the shop and the server. */
  readonly proxy: PostgresProxy;
  readonly schema: string;
  /** URL by which the shop connects to the server. */
  readonly connectionString: string;
  /** Session of a superuser, which only a stop of the server affects. */
  readonly admin: pg.Client;
  /** Number of statements sent that record. */
  readonly sent: number;
  /** Returns the action of the proxy on the next statement that records. */
  fate: () => Fate;
}

/** A fault while the shop is in use. */
export interface Fault {
  readonly name: string;
  /** Options of the shop, besides its connection string. */
  options?(scene: Scene): PostgresOptions;
  /** Causes the fault. Resolves with its number of times when it is over and the shop works again. */
  harm(load: ShopUnderLoad, scene: Scene): Promise<number>;
  /** Codes of the errors that orders must fail with. @default none */
  readonly surfaces?: readonly string[];
  /** Codes of errors that orders may fail with, depending on the moment. @default none */
  readonly perhaps?: readonly string[];
}

/** Returns whether a statement records events. */
export function isAppend(text: string): boolean {
  return /insert into "\w+"\."\w+_logs"/.test(text);
}

/** Does the work with a session. */
export async function inSession<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Does the work `count` times. */
export async function times(count: number, work: () => Promise<void>): Promise<number> {
  for (let done = 0; done < count; done += 1) await work();
  return count;
}
