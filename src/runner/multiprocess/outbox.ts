/** What an outbox works with. */
export interface OutboxOptions<Message> {
  send(message: Message): void;
  /** Makes one message of two, which must not be larger without bound. */
  merge(earlier: Message, later: Message): Message;
}

/**
 * Messages for a process that may not listen for a while: one is on its way at a time, and those that are put in
 * before it is taken are merged into one that waits. So there are never more than two, however busy both sides are.
 */
export class Outbox<Message> {
  readonly #options: OutboxOptions<Message>;
  #waiting: Message | undefined;
  #isFree: boolean;

  /** Unless it is `isFree`, it waits until it is told that the other side has begun to listen. */
  constructor(options: OutboxOptions<Message>, isFree: boolean) {
    this.#options = options;
    this.#isFree = isFree;
  }

  put(message: Message): void {
    this.#waiting = this.#waiting === undefined ? message : this.#options.merge(this.#waiting, message);
    if (this.#isFree) queueMicrotask(() => this.#isFree && this.#send()); // with what is put in at the same time
  }

  /** The other side listens, or has taken the last message. */
  taken(): void {
    this.#isFree = true;
    this.#send();
  }

  /** Sends what waits without waiting any longer: nothing is to come. */
  flush(): void {
    this.#send();
  }

  #send(): void {
    const message = this.#waiting;
    if (message === undefined) return;
    this.#waiting = undefined;
    this.#isFree = false;
    this.#options.send(message);
  }
}
