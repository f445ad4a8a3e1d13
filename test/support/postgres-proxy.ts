import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';

/** What is to become of a statement that is about to be run. */
export type Fate =
  | 'pass'
  /** The connection breaks before the server gets it. */
  | 'cut before'
  /** The server runs it, and the connection breaks before the client gets the answer. */
  | 'cut after'
  /** Nothing gets through any more, in both directions, and neither side is told: `release` delivers it late. */
  | 'hold'
  /** The server gets it, but its answer does not get through, and the connection stays. */
  | 'mute';

/** A network between clients and a PostgreSQL server, that can be made to fail. No TLS. */
export class PostgresProxy implements AsyncDisposable {
  /** Decides on each statement by its text. */
  fate: (text: string) => Fate = () => 'pass';
  /** Whether new connections are broken at once. */
  isRefusing = false;
  readonly #server: Server;
  readonly #target: URL;
  readonly #links = new Set<Link>();
  #silent = false;
  #accepted = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Leads where the URL does. */
  static async start(url: string): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(new URL(url));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The URL with the proxy in place of the server. */
  get url(): string {
    const url = new URL(this.#target);
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return url.href;
  }

  /** How many connections have been made in all. */
  get accepted(): number {
    return this.#accepted;
  }

  /** The connections that clients have not closed. */
  get open(): number {
    return [...this.#links].filter(({ isAbandoned }) => !isAbandoned).length;
  }

  /** The connections on which something is under way, though the client may have given them up. */
  get all(): number {
    return this.#links.size;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const link of this.#links) link.cut();
  }

  /** Lets nothing through any more, on old connections and new ones. */
  silence(): void {
    this.#silent = true;
    for (const link of this.#links) link.hold();
  }

  /** Delivers what was held back, and lets all through again. */
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
  /** The texts of prepared statements by their names. */
  readonly #texts = new Map<string, string>();
  #unread: Buffer = Buffer.alloc(0);
  #isStarted = false;
  /** What was sent since nothing gets through. */
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

  /** What is held back still reaches the server some time: so the network does, too. */
  #clientLeft(): void {
    this.isAbandoned = true;
    this.#client.destroy();
    if (this.#held === undefined) this.#server.end();
  }

  #fromServer(data: Buffer): void {
    if (this.#answers === 'mute' || this.isAbandoned) return;
    if (this.#held !== undefined) this.#held.toClient.push(data);
    else if (this.#answers === 'pass') this.#client.write(data);
    else if (data.at(-6) === letter('Z')) this.cut(); // ReadyForQuery: all of the answer, so the commit, is behind it
  }

  #fromClient(data: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, data]);
    this.#server.cork();
    for (let message = this.#nextMessage(); message !== undefined; message = this.#nextMessage()) {
      if (!this.#client.destroyed) this.#forward(message);
    }
    this.#server.uncork();
  }

  /** The first message has no letter before its length. */
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

  /** Remembers what is parsed, and gives the text of what is bound, or asked simply: that is run next. */
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
