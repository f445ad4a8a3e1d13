import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Distributes connections to several ports in turn, skipping ports without a server. */
export class Balancer implements AsyncDisposable {
  readonly #server: Server;
  readonly #hear: (bytes: Buffer) => void;
  readonly #sockets = new Set<Socket>();
  #next = 0;

  private constructor(ports: readonly number[], hear: (bytes: Buffer) => void) {
    this.#hear = hear;
    this.#server = createServer((client) => this.#connect(client, ports, ports.length));
  }

  /** Starts a balancer; `hear` receives all bytes in both directions. */
  static async start(ports: readonly number[], hear: (bytes: Buffer) => void = () => {}): Promise<Balancer> {
    const balancer = new Balancer(ports, hear);
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Closes all current connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #connect(client: Socket, ports: readonly number[], tries: number): void {
    if (tries === 0) {
      client.destroy();
      return;
    }
    const target = connect(ports[this.#next++ % ports.length]!, '127.0.0.1');
    target.once('error', () => this.#connect(client, ports, tries - 1));
    target.once('connect', () => {
      target.removeAllListeners('error');
      for (const [from, to] of [
        [client, target],
        [target, client],
      ] as const) {
        this.#sockets.add(from);
        from.pipe(to);
        from.on('data', this.#hear);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    });
  }
}

/** The port of a URL. */
export function portOf(url: string): number {
  return Number(new URL(url).port);
}
