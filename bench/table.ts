import type { Result } from './rounds.ts';

const columns: readonly { readonly title: string; readonly width: number }[] = [
  { title: 'storage', width: -15 },
  { title: 'workload', width: -47 },
  { title: 'orders/s', width: 9 },
  { title: 'events/s', width: 10 },
  { title: 'bound orders/s', width: 16 },
  { title: 'of bound', width: 10 },
  { title: '(rounds)', width: 12 },
  { title: 'target', width: 8 },
  { title: '  verdict', width: -18 },
];

export const header: string = line(columns.map(({ title }) => title));

/** One result as a line of the table. */
export function lineOf(result: Result): string {
  const { percent, target } = result;
  return line([
    result.storage,
    result.workload,
    whole(result.ourOrdersPerSecond),
    whole(result.ourOrdersPerSecond * result.eventsPerOrder),
    whole(result.boundOrdersPerSecond),
    `${percent.median.toFixed(1)} %`,
    `${percent.worst.toFixed(0)} - ${percent.best.toFixed(0)}`,
    target === undefined ? '' : `${target} %`,
    `  ${verdictOf(percent.median, target)}`,
  ]);
}

function verdictOf(percent: number, target: number | undefined): string {
  if (target === undefined) return '';
  return percent >= target ? 'met' : `missed by ${(target - percent).toFixed(1)}`;
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => padded(cell, columns[i]?.width ?? 0))
    .join('')
    .trimEnd();
}

function padded(cell: string, width: number): string {
  return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
