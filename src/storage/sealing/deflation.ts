import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';
import { limits } from '../limits.ts';

/** Bytes from which on another thread compresses and decompresses, so that this thread is not blocked. */
const largeBytes = 65_536;

const options = { maxOutputLength: limits.saveBytes };
const deflateElsewhere = promisify(deflateRaw);
const inflateElsewhere = promisify<Buffer, typeof options, Buffer>(inflateRaw);

/** Compresses bytes. Returns a promise if they are many. */
export function deflated(bytes: Buffer): Buffer | Promise<Buffer> {
  return bytes.length < largeBytes ? deflateRawSync(bytes) : deflateElsewhere(bytes);
}

/**
 * Decompresses bytes to at most as many as a save may have. Throws an error of node:zlib if they are more, or if the
 * bytes are not compressed. Returns a promise if the compressed bytes are many.
 */
export function inflated(bytes: Buffer): Buffer | Promise<Buffer> {
  return bytes.length < largeBytes ? inflateRawSync(bytes, options) : inflateElsewhere(bytes, options);
}
