import { readdirSync, readFileSync } from 'node:fs';

/** What the operating system says of a process. */
export interface ProcessUsage {
  /** Resident memory, in bytes. */
  readonly resident: number;
  readonly files: number;
  readonly threads: number;
}

/** Reads the usage of a process. */
export function usageOf(processId: number): ProcessUsage {
  const status = readFileSync(`/proc/${processId}/status`, 'utf8');
  return {
    resident: fieldIn(status, 'VmRSS') * 1_024,
    files: readdirSync(`/proc/${processId}/fd`).length,
    threads: fieldIn(status, 'Threads'),
  };
}

/** Memory of a process that it shares with no other, in bytes. */
export function privateMemoryOf(processId: number): number {
  return fieldIn(readFileSync(`/proc/${processId}/status`, 'utf8'), 'RssAnon') * 1_024;
}

function fieldIn(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
}
