import type { Measure } from './judge.ts';
import { clients } from './load.ts';

const mebibyte = 2 ** 20;

function bytes(name: string, allowedMebibytes: number): Measure {
  return { name, isBytes: true, allowance: allowedMebibytes * mebibyte, allowedShare: 0.1 };
}

function count(name: string, allowance: number): Measure {
  return { name, isBytes: false, allowance, allowedShare: 0.1 };
}

/** Resident memory of a process after garbage collection, as the operating system counts it. */
export const resident: Measure = bytes('resident', 16);
/** Memory that native code has allocated, such as SQLite. */
export const native: Measure = bytes('native', 8);
/** Heap and buffers of a thread after garbage collection. */
export const heap: Measure = bytes('heap', 2);
/** Memory of the server behind a connection. */
export const connectionMemory: Measure = bytes('memory of each', 2);
/** Size of the log of commits that SQLite has not written into the database file yet. */
export const walSize: Measure = bytes('WAL', 16);
export const files: Measure = count('files', 3);
export const threads: Measure = count('threads', 2);
/** Timers, sockets, ports and other resources that keep an event loop alive. */
export const resources: Measure = count('timers, sockets', 10);
export const connections: Measure = count('connections', 3);
/** Notifications that a follower has not processed yet: at most all events of the orders under way, and as many again. */
export const lag: Measure = { ...count('lag', 3 * clients), bound: 2 * 3 * clients };
