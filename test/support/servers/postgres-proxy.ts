import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';

/** Action of the proxy on a statement. */
export type Fate =
  | 'pass'
  /** Breaks the connection before the server receives the statement. */
  | 'cut before'
  /** Breaks the connection after the server has run the statement, before the client receives the answer. */
  | 'cut after'
  /** Holds back everything in both directions; `release` delivers it late. */
  | 'hold'
  /** Drops the answer of the server, and keeps the connection open. */
  | 'mute';

/** A proxy before a PostgreSQL server that simulates network faults. It does not support TLS. */
export class PostgresProxy implements AsyncDisposable {
  /** Decides what happens to a statement, by its text. */
  fate: (text: string) => Fate = () => 'pass';
  /** Whether new connections are closed at once. */
  isRefusing = false;
  readonly #server: Server;
  #target: URL;
  readonly #links = new Set<Link>();
  #silent = false;
  #accepted = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Starts a proxy to the server of the URL. */
  static async start(url: string): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(new URL(url));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The URL of the server with the host and port of the proxy. */
  get url(): string {
    const url = new URL(this.#target);
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return url.href;
  }

  /** Number of connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Number of connections that clients have not closed. */
  get open(): number {
    return [...this.#links].filter(({ isAbandoned }) => !isAbandoned).length;
  }

  /** Number of connections, including connections that only the client has closed. */
  get all(): number {
    return this.#links.size;
  }

  /** Forwards new connections to another server, as when DNS changes. Open connections stay. */
  switchTo(url: string): void {
    this.#target = new URL(url);
  }

  /** Closes all connections. */
  cut(): void {
    for (const link of this.#links) link.cut();
  }

  /** Holds back everything on all connections, and on new ones. */
  silence(): void {
    this.#silent = true;
    for (const link of this.#links) link.hold();
  }

  /** Delivers what was held back, and forwards everything again. */
  release(): void {
    this.#silent = false;
    for (const link of this.#links) link.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #accept(client: Socket): void {
    const link = new Link(client, this.#target, (text) => this.fate(text));
    this.#links.add(link);
    this.#accepted += 1;
    void link.ended.then(() => this.#links.delete(link));
    if (this.#silent) link.hold();
    if (this.isRefusing) link.cut();
  }
}

/** One connection through the proxy. */
class Link {
  /** Whether the client has closed its side. */
  isAbandoned = false;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #fate: (text: string) => Fate;
  readonly #ended = Promise.withResolvers<void>();
  /** Texts of prepared statements by name. */
  readonly #texts = new Map<string, string>();
  #unread: Buffer = Buffer.alloc(0);
  #isStarted = false;
  /** Messages held back, if any are. */
  #held: { readonly toServer: Buffer[]; readonly toClient: Buffer[] } | undefined;
  #answers: 'pass' | 'cut' | 'mute' = 'pass';

  constructor(client: Socket, target: URL, fate: (text: string) => Fate) {
    this.#client = client;
    this.#fate = fate;
    this.#server = new Socket();
    this.#server.connect(Number(target.port || 5432), target.hostname);
    client.on('data', (data: Buffer) => this.#fromClient(data));
    client.on('close', () => this.#clientLeft());
    client.on('end', () => this.#clientLeft());
    this.#server.on('data', (data: Buffer) => this.#fromServer(data));
    this.#server.on('close', () => this.cut());
    for (const socket of [client, this.#server]) socket.setNoDelay(true).on('error', () => {});
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.destroy();
    this.#ended.resolve();
  }

  hold(): void {
    this.#held ??= { toServer: [], toClient: [] };
  }

  release(): void {
    const { toServer = [], toClient = [] } = this.#held ?? {};
    this.#held = undefined;
    for (const data of toServer) this.#server.write(data);
    for (const data of toClient) this.#client.write(data);
    if (this.isAbandoned) this.#server.end();
  }

  /** Keeps the server side open while messages are held back: a real network delivers them, too. */
  #clientLeft(): void {
    this.isAbandoned = true;
    this.#client.destroy();
    if (this.#held === undefined) this.#server.end();
  }

  #fromServer(data: Buffer): void {
    if (this.#answers === 'mute' || this.isAbandoned) return;
    if (this.#held !== undefined) this.#held.toClient.push(data);
    else if (this.#answers === 'pass') this.#client.write(data);
    else if (data.at(-6) === letter('Z')) this.cut(); // ReadyForQuery: the answer is complete, so the commit is done
  }

  #fromClient(data: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, data]);
    this.#server.cork();
    for (let message = this.#nextMessage(); message !== undefined; message = this.#nextMessage()) {
      if (!this.#client.destroyed) this.#forward(message);
    }
    this.#server.uncork();
  }

  /** Takes the next complete message. The first one has no letter before its length. */
  #nextMessage(): Buffer | undefined {
    const letters = this.#isStarted ? 1 : 0;
    if (this.#unread.length < letters + 4) return undefined;
    const length = letters + this.#unread.readUInt32BE(letters);
    if (this.#unread.length < length) return undefined;
    const message = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    this.#isStarted = true;
    return message;
  }

  #forward(message: Buffer): void {
    const text = this.#textRunBy(message);
    if (text !== undefined && this.#held === undefined) this.#suffer(this.#fate(text));
    if (this.#client.destroyed) return;
    if (this.#held === undefined) this.#server.write(message);
    else this.#held.toServer.push(message);
  }

  #suffer(fate: Fate): void {
    if (fate === 'cut before') this.cut();
    if (fate === 'cut after') this.#answers = 'cut';
    if (fate === 'hold') this.hold();
    if (fate === 'mute') this.#answers = 'mute';
  }

  /** Returns the text of the statement that a message runs, if any; remembers the texts of parsed statements. */
  #textRunBy(message: Buffer): string | undefined {
    const [first = '', second = ''] = message.subarray(5).toString('latin1').split('\0', 2);
    if (message[0] === letter('P')) this.#texts.set(first, second);
    if (message[0] === letter('Q')) return first;
    return message[0] === letter('B') ? this.#texts.get(second) : undefined;
  }
}

function letter(character: string): number {
  return character.charCodeAt(0);
}
