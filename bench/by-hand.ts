import { compare, type Result } from './rounds.ts';
import type { Section } from './section.ts';
import { Table, verdictOf, whole } from './table.ts';
import { workloads } from './workloads.ts';

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'workload', width: -47 },
  { title: 'orders/s', width: 9 },
  { title: 'events/s', width: 10 },
  { title: 'bound orders/s', width: 16 },
  { title: 'of bound', width: 10 },
  { title: '(rounds)', width: 12 },
  { title: 'target', width: 8 },
  { title: '  verdict', width: -18 },
]);

/** The library beside the same work written by hand. */
export const byHand: Section = {
  heading: ({ rounds }) => `Medians of ${rounds} rounds each, library and bound in turn.\n\n${table.header}`,
  on: (storage) =>
    workloads.map((workload) => ({
      name: workload.name,
      run: async (options) => lineOf(await compare(storage, workload, options)),
    })),
};

function lineOf(result: Result): string {
  const { percent, target } = result;
  return table.line([
    result.storageKind,
    result.workload,
    whole(result.ourOrdersPerSecond),
    whole(result.ourOrdersPerSecond * result.eventsPerOrder),
    whole(result.boundOrdersPerSecond),
    `${percent.median.toFixed(1)} %`,
    `${percent.worst.toFixed(0)} - ${percent.best.toFixed(0)}`,
    target === undefined ? '' : `${target} %`,
    `  ${verdictOf(percent.median, target, 1)}`,
  ]);
}
