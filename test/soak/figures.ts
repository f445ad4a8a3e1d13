import type { Measure, Verdict } from './judge.ts';

const columns = [-34, -18, 10, 10, 10, 12] as const;

/** Returns a table of what a soak test has measured, in figures after the warm-up. */
export function tableOf(verdicts: readonly Verdict[]): string {
  const rows = verdicts
    .toSorted((a, b) => a.subject.localeCompare(b.subject))
    .map(({ subject, measure, first, last, greatest, perMinute, fault }) =>
      lineOf([
        subject,
        measure.isBytes ? `${measure.name}, MiB` : measure.name,
        shown(first, measure),
        shown(last, measure),
        shown(greatest, measure),
        shown(perMinute, measure),
        `  ${fault ?? ''}`,
      ]),
    );
  return [lineOf(['of', 'measure', 'first', 'last', 'greatest', 'per minute']), ...rows].join('\n');
}

function lineOf(cells: readonly string[]): string {
  return cells
    .map((cell, i) => {
      const width = columns[i] ?? 0;
      return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
    })
    .join('')
    .trimEnd();
}

function shown(value: number, { isBytes }: Measure): string {
  return isBytes ? (value / 2 ** 20).toFixed(2) : `${Number(value.toFixed(2))}`;
}
