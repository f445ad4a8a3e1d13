import { readdirSync, readFileSync } from 'node:fs';

/** What the operating system says of a process. */
export interface ProcessUsage {
  /** Resident memory that native code has allocated, and stacks, in bytes. */
  readonly native: number;
  readonly files: number;
  readonly threads: number;
}

/** Reads the usage of a process. */
export function usageOf(processId: number): ProcessUsage {
  const status = readFileSync(`/proc/${processId}/status`, 'utf8');
  return {
    native: nativeMemoryOf(processId),
    files: readdirSync(`/proc/${processId}/fd`).length,
    threads: fieldIn(status, 'Threads'),
  };
}

/** Memory of a process that it shares with no other, in bytes. */
export function privateMemoryOf(processId: number): number {
  return fieldIn(readFileSync(`/proc/${processId}/status`, 'utf8'), 'RssAnon') * 1_024;
}

/** V8 asks for pages of its heaps at random addresses of 46 bits; what the C library allocates is above, or in `[heap]`. */
const endOfV8Heaps = 2 ** 46;

function nativeMemoryOf(processId: number): number {
  const mappings = readFileSync(`/proc/${processId}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-)/m);
  const native = mappings.filter((mapping) => {
    const [range = '', , , , inode, name = ''] = mapping.split('\n', 1)[0]?.split(/ +/) ?? [];
    const isAnonymous = inode === '0' && (name === '' || name.startsWith('[stack'));
    return name === '[heap]' || (isAnonymous && Number.parseInt(range, 16) >= endOfV8Heaps);
  });
  return native.reduce((sum, mapping) => sum + fieldIn(mapping, 'Rss') * 1_024, 0);
}

function fieldIn(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
}
