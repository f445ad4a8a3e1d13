import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Grace period for closing connections, in ms. */
const graceMs = 1_000;

/** The sockets of connections, so that these can be closed even if the server does not answer. */
export class Sockets {
  readonly #open = new Set<Socket>();

  /** Creates a socket for the driver. */
  readonly create = (): Socket => {
    const socket = new Socket();
    this.#open.add(socket);
    return socket.once('close', () => this.#open.delete(socket));
  };

  /** Closes connections with `close`, and destroys their sockets after the grace period. */
  async end(close: () => Promise<void>): Promise<void> {
    const ended = close();
    const late = new AbortController();
    await Promise.race([ended, delay(graceMs, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
    for (const socket of this.#open) socket.destroy();
    await ended;
  }
}
