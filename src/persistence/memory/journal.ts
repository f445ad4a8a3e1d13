// Shared memory begins with two words, then come the entries: 4 bytes with the length of a text, and the text.
const lockWord = 0;
const lengthWord = 1;
const firstEntry = 8;
const initialBytes = 2 ** 16;

/** There is no memory for an entry. */
export class JournalFull extends Error {}

/**
 * Texts in memory that threads share, appended by whoever holds the lock and read by everybody. An entry is
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

  /** The entry that begins here, and where it ends. */
  read(start: number): { text: string; end: number } {
    const textStart = start + 4;
    const length = Buffer.from(this.shared, start, 4).readUInt32LE();
    const text = Buffer.from(this.shared, textStart, length).toString();
    return { text, end: textStart + length };
  }

  /** Writes an entry after those committed, unseen by others, and returns where it ends. */
  write(text: string): number {
    const start = this.end;
    const length = Buffer.byteLength(text);
    const end = start + 4 + length;
    this.#grow(end);
    const entry = Buffer.from(this.shared, start, 4 + length);
    entry.writeUInt32LE(length);
    entry.write(text, 4);
    return end;
  }

  /** Lets everybody see what was written up to here. */
  commit(end: number): void {
    Atomics.store(this.#words, lengthWord, end - firstEntry);
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
