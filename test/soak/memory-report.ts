import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, threadId, threadName } from 'node:worker_threads';

/** What a thread or process says of itself. */
export interface MemoryReport {
  readonly processId: number;
  /** Name of the process or thread, such as 'orders 0'; undefined for the parent, which runs the soak test. */
  readonly name: string | undefined;
  /** Whether this is the main thread of its process. */
  readonly isMain: boolean;
  /** Memory in use after garbage collection, in bytes: the heap, and buffers outside of it. */
  readonly used: number;
  /** Resident memory of the process after garbage collection, in bytes. */
  readonly resident: number;
  /** Number of timers, sockets, ports and other resources that keep the event loop alive. */
  readonly resources: number;
}

/** Variables that tell the threads and processes where and how often to report. */
const variables = { directory: 'KAHN_SOAK_DIRECTORY', intervalMs: 'KAHN_SOAK_INTERVAL_MS' };

/**
 * Asks this thread and those that start from now on for reports. Returns the directory of the reports, which is empty, and is
 * removed when this process exits.
 */
export function requestReports(intervalMs: number): string {
  const known = process.env[variables.directory];
  const directory = known ?? mkdtempSync(join(tmpdir(), 'kahn-soak-reports-'));
  if (known === undefined) process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
  process.env[variables.directory] = directory;
  process.env[variables.intervalMs] = `${intervalMs}`;
  return directory;
}

/** V8 gives back the pages that it keeps for larger heaps, else resident memory grows with the largest one there was. */
const asIfMemoryRanOut = { type: 'major', execution: 'sync', flavor: 'last-resort' };

/** Reports the memory of this thread at an interval, if reports are requested. Collects garbage before each report. */
export function reportMemory(): void {
  const directory = process.env[variables.directory];
  if (directory === undefined) return;
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as (options: object) => void;
  const file = join(directory, `${process.pid}-${threadId}`);
  const write = () => {
    collectGarbage(asIfMemoryRanOut);
    const { heapUsed, external, rss: resident } = process.memoryUsage();
    const { length: resources } = process.getActiveResourcesInfo();
    const own = { processId: process.pid, name: ownName(), isMain: isMainThread };
    const report: MemoryReport = { ...own, used: heapUsed + external, resident, resources };
    writeFileSync(`${file}.part`, JSON.stringify(report));
    renameSync(`${file}.part`, `${file}.json`);
  };
  setInterval(write, Number(process.env[variables.intervalMs])).unref();
}

/** Reads the last report of each thread and process. */
export function readReports(directory: string): readonly MemoryReport[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name): MemoryReport => JSON.parse(readFileSync(join(directory, name), 'utf8')));
}

function ownName(): string | undefined {
  const name = isMainThread ? process.title : threadName;
  return name?.startsWith('kahn ') ? name.slice('kahn '.length) : undefined;
}
