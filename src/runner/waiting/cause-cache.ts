import type { CauseReader } from '../../application/log/effect-search.ts';
import type { Cause } from '../../domain/provenance.ts';

type Causes = readonly (Cause | undefined)[];

/** Number of causes in a chunk, and the largest number of chunks: 16,384 causes of a log. */
const chunkSize = 256;
const mostChunks = 64;

/** Causes in one log, in chunks that all waits share. A log only grows, so what was read stays valid. */
export class CauseCache implements CauseReader {
  readonly #reader: CauseReader;
  readonly #chunks = new Map<number, Promise<Causes>>();

  constructor(reader: CauseReader) {
    this.#reader = reader;
  }

  operations(after: number, limit: number): ReturnType<CauseReader['operations']> {
    return this.#reader.operations(after, limit);
  }

  head(pipelineId: number): Promise<number> {
    return this.#reader.head(pipelineId);
  }

  async causes(pipelineId: number, after: number, limit: number): Promise<Causes> {
    const found: (Cause | undefined)[] = [];
    for (let place = after; place < after + limit; place = after + found.length) {
      const start = place - (place % chunkSize);
      const end = Math.min(start + chunkSize, after + limit);
      const part = (await this.#chunk(pipelineId, start, end - start)).slice(place - start, end - start);
      found.push(...part);
      if (place + part.length < end) break; // the end of the log
    }
    return found;
  }

  /** Returns a chunk with `wanted` causes, if the log has as many; reads the last chunk again when the log has grown. */
  async #chunk(pipelineId: number, start: number, wanted: number): Promise<Causes> {
    const known = this.#chunks.get(start);
    if (known !== undefined) {
      const causes = await known;
      if (causes.length >= wanted) return causes;
      const newer = this.#chunks.get(start);
      if (newer !== undefined && newer !== known) return this.#chunk(pipelineId, start, wanted);
    }
    const reading = this.#reader.causes(pipelineId, start, chunkSize);
    this.#chunks.delete(start); // the newest chunks are the last
    this.#chunks.set(start, reading);
    reading.catch(() => this.#chunks.delete(start));
    for (const oldest of this.#chunks.keys()) {
      if (this.#chunks.size <= mostChunks) break;
      this.#chunks.delete(oldest);
    }
    return reading;
  }
}
