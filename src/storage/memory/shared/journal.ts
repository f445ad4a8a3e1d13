// Shared memory begins with two words, then come the entries: the lengths of two texts, 4 bytes each, and the texts.
const lockWord = 0;
const lengthWord = 1;
const firstEntry = 8;
const lengthBytes = 4;
const initialBytes = 2 ** 16;

/** What is appended at once: a short text that tells what is in the long one. */
export interface Entry {
  readonly head: string;
  readonly body: string;
}

/** There is no memory for an entry. */
export class JournalFull extends Error {}

/**
 * Entries in memory that threads share, appended by whoever holds the lock and read by everybody. An entry is
 * seen once it is committed, all at once; what a thread had written when it died is overwritten.
 */
export class Journal {
  /** The word for the lock of whoever appends. */
  readonly lockWord: Int32Array<SharedArrayBuffer>;
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#words = new Int32Array(shared, 0, firstEntry / Int32Array.BYTES_PER_ELEMENT);
    this.lockWord = this.#words.subarray(lockWord, lockWord + 1);
  }

  /** An empty one; the memory up to the maximum is reserved, and used as it fills. */
  static create(maxBytes: number): Journal {
    const initial = Math.min(initialBytes, maxBytes);
    return new Journal(orFull(() => new SharedArrayBuffer(initial, { maxByteLength: maxBytes })));
  }

  /** Where the committed entries begin. */
  static readonly start: number = firstEntry;

  /** Where the committed entries end. */
  get end(): number {
    return firstEntry + Atomics.load(this.#words, lengthWord);
  }

  /** The head of the entry that begins here, and where the entry ends. */
  readHead(start: number): { head: string; end: number } {
    const [headLength, bodyLength] = this.#lengths(start);
    const headStart = start + 2 * lengthBytes;
    return { head: this.#text(headStart, headLength), end: headStart + headLength + bodyLength };
  }

  /** The body of the entry that begins here. */
  readBody(start: number): string {
    const [headLength, bodyLength] = this.#lengths(start);
    return this.#text(start + 2 * lengthBytes + headLength, bodyLength);
  }

  /** Writes an entry after those committed, unseen by others, and returns where it ends. */
  write({ head, body }: Entry): number {
    const start = this.end;
    const headLength = Buffer.byteLength(head);
    const bodyLength = Buffer.byteLength(body);
    const length = 2 * lengthBytes + headLength + bodyLength;
    this.#grow(start + length);
    const entry = Buffer.from(this.shared, start, length);
    entry.writeUInt32LE(headLength);
    entry.writeUInt32LE(bodyLength, lengthBytes);
    entry.write(head, 2 * lengthBytes);
    entry.write(body, 2 * lengthBytes + headLength);
    return start + length;
  }

  /** Lets everybody see what was written up to here. */
  commit(end: number): void {
    Atomics.store(this.#words, lengthWord, end - firstEntry);
  }

  #lengths(start: number): [head: number, body: number] {
    const lengths = Buffer.from(this.shared, start, 2 * lengthBytes);
    return [lengths.readUInt32LE(), lengths.readUInt32LE(lengthBytes)];
  }

  #text(start: number, length: number): string {
    return Buffer.from(this.shared, start, length).toString();
  }

  #grow(needed: number): void {
    const { byteLength, maxByteLength } = this.shared;
    if (needed <= byteLength) return;
    if (needed > maxByteLength) throw new JournalFull();
    orFull(() => this.shared.grow(Math.min(Math.max(needed, 2 * byteLength), maxByteLength)));
  }
}

/** Asks the system for memory, which it may not have. */
function orFull<T>(allocate: () => T): T {
  try {
    return allocate();
  } catch (cause) {
    throw new JournalFull('', { cause });
  }
}
