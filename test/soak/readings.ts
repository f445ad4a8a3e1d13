import type { SystemRunner } from 'kahn';
import type { Measure, Sample, Series } from './judge.ts';
import { files, heap, lag, native, resident, resources, threads } from './measures.ts';
import { readReports } from './memory-report.ts';
import { usageOf } from './process-files.ts';

/** One value of a measure. */
export interface Reading {
  readonly subject: string;
  readonly measure: Measure;
  readonly value: number;
}

/** Collects readings into series. */
export class Readings {
  readonly #series = new Map<string, { subject: string; measure: Measure; values: Sample[] }>();

  add(minute: number, readings: Iterable<Reading>): void {
    for (const { subject, measure, value } of readings) {
      const key = `${subject}, ${measure.name}`;
      const series = this.#series.get(key) ?? { subject, measure, values: [] };
      series.values.push({ minute, value });
      this.#series.set(key, series);
    }
  }

  get series(): readonly Series[] {
    return [...this.#series.values()];
  }
}

/** Measures the processes and threads that report to a directory. A process that has died is missing. */
export function readProcesses(directory: string): readonly Reading[] {
  const found: Reading[] = [];
  const reports = Map.groupBy(readReports(directory), ({ processId }) => processId);
  for (const [processId, ofProcess] of reports) {
    const main = ofProcess.find(({ isMain }) => isMain);
    if (main === undefined) continue; // it has just started
    const subject = main.name ?? 'parent';
    const usage = usageOf(processId);
    found.push({ subject, measure: resident, value: main.resident });
    found.push({ subject, measure: native, value: usage.native });
    for (const { name = 'parent', used, resources: open } of ofProcess) {
      found.push({ subject: name, measure: heap, value: used });
      found.push({ subject: name, measure: resources, value: open });
    }
    found.push({ subject, measure: files, value: usage.files });
    found.push({ subject, measure: threads, value: usage.threads });
  }
  return found;
}

/** Measures the lag of all followers. */
export async function readLags(runner: SystemRunner): Promise<readonly Reading[]> {
  const found: Reading[] = [];
  for (const { applicationName, pipelineId, upstreams } of await runner.status()) {
    for (const upstream of upstreams)
      found.push({
        subject: `${applicationName} ${pipelineId} after ${upstream.upstreamName}`,
        measure: lag,
        value: upstream.lag,
      });
  }
  return found;
}
