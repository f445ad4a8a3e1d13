import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { clearTimeout, setTimeout } from 'node:timers';
import { onTestFinished } from 'vitest';

/** What happens to a connection. */
export interface Fate {
  /** Number of bytes that pass before, those of both directions together. */
  readonly afterBytes: number;
  /** Closes both sides, resets both sides, or holds back all bytes for a time. */
  readonly kind: 'close' | 'reset' | 'stall';
  /** Length of a stall, in ms, after which the bytes go on. */
  readonly stallMs: number;
}

/** A proxy before a server on this machine that cuts, resets and stalls connections in the middle of what they carry. */
export class TcpProxy {
  /** Called with all bytes that arrive, of both directions. */
  onBytes: (bytes: Buffer) => void = () => {};
  /** Draws the fate of a new connection; undefined for one that lives as long as its ends. */
  nextFate: () => Fate | undefined = () => undefined;
  /** Numbers of connections that were closed, reset and stalled in the middle. */
  readonly met: Record<Fate['kind'], number> = { close: 0, reset: 0, stall: 0 };
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #links = new Set<Link>();

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Starts a proxy for the running test. The server may start later, and again and again. */
  static async listen(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    onTestFinished(() => {
      proxy.#server.close();
      for (const link of proxy.#links) link.end('reset');
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #accept(client: Socket): void {
    const link = new Link(client, this.#targetPort, this.nextFate(), {
      arrived: (bytes) => this.onBytes(bytes),
      met: (kind) => {
        this.met[kind] += 1;
      },
      ended: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }
}

/** Receives what happens on a connection. */
interface LinkObserver {
  arrived(bytes: Buffer): void;
  met(kind: Fate['kind']): void;
  ended(): void;
}

/** One connection through the proxy. */
class Link {
  readonly #client: Socket;
  readonly #server = new Socket();
  readonly #observer: LinkObserver;
  #fate: Fate | undefined;
  #passed = 0;
  /** Bytes that wait for the end of a stall, and where they go. */
  #held: (readonly [to: Socket, bytes: Buffer])[] | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Socket, targetPort: number, fate: Fate | undefined, observer: LinkObserver) {
    this.#client = client;
    this.#fate = fate;
    this.#observer = observer;
    this.#server.connect(targetPort, 'localhost');
    client.on('data', (bytes: Buffer) => this.#pass(bytes, this.#server));
    this.#server.on('data', (bytes: Buffer) => this.#pass(bytes, client));
    for (const socket of [client, this.#server]) {
      socket.setNoDelay(true).on('error', () => {});
      socket.on('close', () => this.end('close'));
    }
  }

  end(kind: 'close' | 'reset'): void {
    clearTimeout(this.#timer);
    for (const socket of [this.#client, this.#server]) {
      if (kind === 'reset') socket.resetAndDestroy();
      else socket.destroySoon(); // after the bytes that have passed
    }
    this.#observer.ended();
  }

  #pass(bytes: Buffer, to: Socket): void {
    if (this.#held === undefined) this.#forward(bytes, to);
    else this.#held.push([to, bytes]);
  }

  #forward(bytes: Buffer, to: Socket): void {
    this.#observer.arrived(bytes);
    const fate = this.#fate;
    const left = fate === undefined ? Infinity : fate.afterBytes - this.#passed;
    this.#passed += bytes.byteLength;
    to.write(bytes.subarray(0, left));
    if (fate !== undefined && left < bytes.byteLength) this.#meet(fate, bytes.subarray(left), to);
  }

  #meet(fate: Fate, rest: Buffer, to: Socket): void {
    this.#fate = undefined;
    this.#observer.met(fate.kind);
    if (fate.kind !== 'stall') {
      this.end(fate.kind);
      return;
    }
    this.#held = [[to, rest]];
    this.#timer = setTimeout(() => this.#release(), fate.stallMs);
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const [to, bytes] of held) to.write(bytes);
  }
}
