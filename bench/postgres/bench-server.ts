import { PostgresServer } from '../../test/support/servers/postgres-server.ts';

/** The PostgreSQL server at KAHN_POSTGRES_URL; without this variable, a server that starts at first use. */
export class BenchServer implements AsyncDisposable {
  #started: Promise<PostgresServer> | undefined;

  async url(): Promise<string> {
    const url = process.env.KAHN_POSTGRES_URL;
    if (url !== undefined) return url;
    this.#started ??= PostgresServer.start();
    return (await this.#started).url();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#started)?.[Symbol.asyncDispose]();
  }
}
