import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a server may take to say good-bye. */
const farewellMs = 1_000;

/** The sockets of connections, so that they can be closed though the server does not answer any more. */
export class Sockets {
  readonly #open = new Set<Socket>();

  /** Makes a socket, as the driver asks for it. */
  readonly create = (): Socket => {
    const socket = new Socket();
    this.#open.add(socket);
    return socket.once('close', () => this.#open.delete(socket));
  };

  /** Ends something that uses these sockets in order or, if that takes too long, by force. */
  async end(inOrder: () => Promise<void>): Promise<void> {
    const ended = inOrder();
    const late = new AbortController();
    await Promise.race([ended, delay(farewellMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    for (const socket of this.#open) socket.destroy();
    await ended;
  }
}
