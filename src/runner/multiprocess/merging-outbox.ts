export interface OutboxOptions<Message> {
  send(message: Message): void;
  /** Merges two messages into one. The size of merged messages must stay bounded. */
  merge(earlier: Message, later: Message): Message;
}

/**
 * Messages to a process that may not read for a while. One message is in flight at a time; messages added meanwhile are
 * merged into one that waits. So there are at most two messages, however busy both sides are.
 */
export class MergingOutbox<Message> {
  readonly #options: OutboxOptions<Message>;
  #waiting: Message | undefined;
  #isFree: boolean;

  /** Unless it is `isFree`, the outbox waits for the first {@link taken}: the receiver is not listening yet. */
  constructor(options: OutboxOptions<Message>, isFree: boolean) {
    this.#options = options;
    this.#isFree = isFree;
  }

  put(message: Message): void {
    this.#waiting = this.#waiting === undefined ? message : this.#options.merge(this.#waiting, message);
    if (this.#isFree) void Promise.resolve().then(() => this.#isFree && this.flush()); // together with messages added in this turn
  }

  /** Called when the receiver listens, or has read the last message. */
  taken(): void {
    this.#isFree = true;
    this.flush();
  }

  /** Sends the waiting message at once. */
  flush(): void {
    const message = this.#waiting;
    if (message === undefined) return;
    this.#waiting = undefined;
    this.#isFree = false;
    this.#options.send(message);
  }
}
