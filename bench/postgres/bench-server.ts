import { PostgresServer } from '../../test/support/postgres-server.ts';

/** The server that KAHN_POSTGRES_URL leads to; without that, one that is started when it is needed first. */
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
