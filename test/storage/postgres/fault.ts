import type { PostgresOptions } from 'kahn/postgres';
import pg from 'pg';
import type { Fate, PostgresProxy } from '../../support/postgres-proxy.ts';
import type { PostgresServer } from '../../support/postgres-server.ts';
import type { ShopUnderLoad } from './shop-under-load.ts';

/** Where a fault happens. */
export interface Scene {
  readonly server: PostgresServer;
  /** Between the shop and the server. */
  readonly proxy: PostgresProxy;
  readonly schema: string;
  /** The way of the shop to the server. */
  readonly connectionString: string;
  /** A session of a superuser, which the fault does not meet unless the server is stopped. */
  readonly admin: pg.Client;
  /** How many statements that record have been sent. */
  readonly sent: number;
  /** What becomes of statements that record. */
  fate: () => Fate;
}

/** Something that goes wrong while the shop is in use. */
export interface Fault {
  readonly name: string;
  /** How the shop uses the server, besides its connection string. */
  options?(scene: Scene): PostgresOptions;
  /** Does the harm, resolves when it is over and the shop goes on, and says how often it was done. */
  harm(load: ShopUnderLoad, scene: Scene): Promise<number>;
  /** The errors that must come up; none if it is to pass unnoticed. */
  readonly surfaces?: readonly string[];
  /** Others that may come up, as it depends on the moment. */
  readonly perhaps?: readonly string[];
}

/** Whether a statement records events. */
export function isAppend(text: string): boolean {
  return /insert into "\w+"\."\w+_logs"/.test(text);
}

/** Opens a session, lends it, and closes it. */
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

/** Runs something many times. */
export async function times(count: number, work: () => Promise<void>): Promise<number> {
  for (let done = 0; done < count; done += 1) await work();
  return count;
}
