/** Ids in a chunk of 8 KB. */
const chunkSize = 65_536;

/** A set of notification ids that takes a bit for each id in the chunks in which it has some. */
export class IdSet {
  readonly #chunks = new Map<number, Uint8Array>();

  has(id: number): boolean {
    const chunk = this.#chunks.get(Math.floor(id / chunkSize));
    const index = id % chunkSize;
    return chunk !== undefined && ((chunk[index >>> 3] as number) & (1 << (index & 7))) !== 0;
  }

  add(id: number): void {
    const key = Math.floor(id / chunkSize);
    const chunk = this.#chunks.get(key) ?? new Uint8Array(chunkSize / 8);
    this.#chunks.set(key, chunk);
    const index = id % chunkSize;
    chunk[index >>> 3] = (chunk[index >>> 3] as number) | (1 << (index & 7));
  }
}
