import { compare, type Latency, type Result } from './comparison-rounds.ts';
import type { Section } from './section.ts';
import { micros, Table, verdictOf, whole } from './table.ts';
import { workloads } from './workloads.ts';

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'workload', width: -47 },
  { title: 'orders/s', width: 9 },
  { title: 'events/s', width: 10 },
  { title: 'baseline orders/s', width: 19 },
  { title: 'of baseline', width: 13 },
  { title: '(rounds)', width: 12 },
  { title: 'target', width: 8 },
  { title: '  verdict', width: -18 },
  { title: 'wave: median, p99', width: 24 },
  { title: 'of baseline', width: 24 },
]);

/** The library compared with a hand-written baseline. */
export const baselineComparison: Section = {
  heading: ({ rounds }) =>
    `The library compared with a hand-written baseline, medians of ${rounds} rounds, in turn.\n\n${table.header}`,
  on: (storage) =>
    workloads.map((workload) => ({
      name: workload.name,
      run: async (options) => lineOf(await compare(storage, workload, options)),
    })),
};

function latencyText(latency: Latency | undefined): string {
  return latency === undefined ? '' : `${micros(latency.median)}, ${micros(latency.p99)}`;
}

function lineOf(result: Result): string {
  const { percent, target } = result;
  return table.line([
    result.storageName,
    result.workload,
    whole(result.libraryOrdersPerSecond),
    whole(result.libraryOrdersPerSecond * result.eventsPerOrder),
    whole(result.baselineOrdersPerSecond),
    `${percent.median.toFixed(1)} %`,
    `${percent.worst.toFixed(0)} - ${percent.best.toFixed(0)}`,
    target === undefined ? '' : `${target} %`,
    `  ${verdictOf(percent.median, target, 1)}`,
    latencyText(result.libraryWave),
    latencyText(result.baselineWave),
  ]);
}
