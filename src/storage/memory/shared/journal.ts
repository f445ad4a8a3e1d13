// Layout: three 4-byte words, then the entries. An entry is the lengths of two texts, 4 bytes each, and the texts.
const lockWord = 0;
const lengthWord = 1;
const ownerWord = 2;
const firstEntry = 12;
const lengthBytes = 4;
const initialBytes = 2 ** 16;

/** Two texts that are appended together: a short text that summarises the long text. */
export interface Entry {
  readonly head: string;
  readonly body: string;
}

/** The journal has no memory for an entry. */
export class JournalFull extends Error {}

/**
 * Entries in memory that threads share. The thread that holds the lock appends; all threads read.
 *
 * Readers see an entry once it is committed. Bytes that a thread wrote and did not commit before it died are
 * overwritten.
 */
export class Journal {
  /** Word of the lock that a thread holds while it appends. */
  readonly lockWord: Int32Array<SharedArrayBuffer>;
  /** Names the thread that holds the write lock; 0 if none does. */
  readonly ownerWord: Int32Array<SharedArrayBuffer>;
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#words = new Int32Array(shared, 0, firstEntry / Int32Array.BYTES_PER_ELEMENT);
    this.lockWord = this.#words.subarray(lockWord, lockWord + 1);
    this.ownerWord = this.#words.subarray(ownerWord, ownerWord + 1);
  }

  /** Creates an empty journal. Memory up to the maximum is reserved, and used as the journal fills. */
  static create(maxBytes: number): Journal {
    const initial = Math.min(initialBytes, maxBytes);
    return new Journal(orFull(() => new SharedArrayBuffer(initial, { maxByteLength: maxBytes })));
  }

  /** Offset of the first entry, in bytes. */
  static readonly start: number = firstEntry;

  /** Offset of the end of the committed entries, in bytes. */
  get end(): number {
    return firstEntry + Atomics.load(this.#words, lengthWord);
  }

  /** Reads the head of the entry at an offset, and returns the offset of its end as well. */
  readHead(start: number): { head: string; end: number } {
    const [headLength, bodyLength] = this.#lengths(start);
    const headStart = start + 2 * lengthBytes;
    return { head: this.#text(headStart, headLength), end: headStart + headLength + bodyLength };
  }

  /** Reads the body of the entry at an offset. */
  readBody(start: number): string {
    const [headLength, bodyLength] = this.#lengths(start);
    return this.#text(start + 2 * lengthBytes + headLength, bodyLength);
  }

  /** Overwrites the body of the entry at an offset with zeros. */
  eraseBody(start: number): void {
    const [headLength, bodyLength] = this.#lengths(start);
    Buffer.from(this.shared, start + 2 * lengthBytes + headLength, bodyLength).fill(0);
  }

  /** Writes an entry without committing it, and returns the offset of its end. Entries before `start` may be uncommitted. */
  write({ head, body }: Entry, start: number = this.end): number {
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

  /** Makes all bytes up to an offset visible to all threads. */
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

/** Allocates memory; throws JournalFull if the system has none. */
function orFull<T>(allocate: () => T): T {
  try {
    return allocate();
  } catch (cause) {
    throw new JournalFull('', { cause });
  }
}
