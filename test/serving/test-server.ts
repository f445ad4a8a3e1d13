import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type LogHandler, nodeListener } from 'kahn/http';
import { onTestFinished } from 'vitest';

/** A server on a port of its own, whose handler is set later. */
export class TestServer {
  handler: LogHandler | undefined;
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs`;
  }

  /** @param closeAfter Calls a function when the server is needed no more. @default when the running test has finished */
  static async listen(closeAfter: (close: () => void) => void = onTestFinished): Promise<TestServer> {
    const answer: { from?: TestServer } = {};
    const listener = nodeListener(
      async (request) => (await answer.from?.handler?.(request)) ?? new Response(null, { status: 503 }),
    );
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closeAfter(() => {
      server.closeAllConnections();
      server.close();
    });
    answer.from = new TestServer(server);
    return answer.from;
  }

  /** Ends all connections, as when a network fails. */
  cut(): void {
    this.#server.closeAllConnections();
  }
}
