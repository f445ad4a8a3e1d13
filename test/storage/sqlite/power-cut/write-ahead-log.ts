import { ok } from 'node:assert';

// Format: https://sqlite.org/fileformat2.html#the_write_ahead_log
const headerSize = 32;
const frameHeaderSize = 24;

/** A write-ahead log that holds one run of commits from its start, as after the database was closed and opened again. */
export interface WriteAheadLog {
  readonly bytes: Buffer;
  /** Offsets at which the frames end. */
  readonly frameEnds: readonly number[];
  /** Offsets at which the commits end. */
  readonly commitEnds: readonly number[];
}

/** Reads the frames of a write-ahead log. */
export function readLog(bytes: Buffer): WriteAheadLog {
  const frameSize = frameHeaderSize + bytes.readUInt32BE(8);
  const salt = bytes.subarray(16, 24);
  const frameEnds: number[] = [];
  const commitEnds: number[] = [];
  for (let at = headerSize; at + frameSize <= bytes.length; at += frameSize) {
    ok(bytes.subarray(at + 8, at + 16).equals(salt), 'the log holds frames of an earlier run');
    frameEnds.push(at + frameSize);
    if (bytes.readUInt32BE(at + 4) !== 0) commitEnds.push(at + frameSize);
  }
  return { bytes, frameEnds, commitEnds };
}

/** Returns the number of commits that are whole when all bytes before `length` are as they were. */
export function commitsBefore({ commitEnds }: WriteAheadLog, length: number): number {
  return commitEnds.filter((end) => end <= length).length;
}

/** Returns the offset of the first byte that differs, or the length of the shorter log. */
export function firstDifference(one: Buffer, other: Buffer): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at += 1) if (one[at] !== other[at]) return at;
  return length;
}
