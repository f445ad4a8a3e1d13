import { styleText } from 'node:util';
import { type Panel, peaks, quarters, timeOf } from './panels.ts';

const eighths = ' ▁▂▃▄▅▆▇█';
const panelRows = 4;
const minColumns = 40;
/** Columns before the plot: the indent, a number and the axis. */
const gutter = 8;
/** Columns after the plot, so that the last time fits. */
const margin = 3;

/** Draws the panels one below the other in the given number of columns. */
export function chart(panels: readonly Panel[], columns: number): string {
  const width = Math.max(columns, minColumns) - gutter - margin;
  const minutes = panels[0]?.values.length ?? 0;
  const marks = quarters(minutes).map((minute) => ({
    column: Math.min(Math.floor((minute * width) / minutes), width - 1),
    time: timeOf(minute),
  }));
  return panels.map((panel) => plot(panel, width) + axis(marks, width)).join('') + times(marks);
}

interface Mark {
  readonly column: number;
  readonly time: string;
}

function plot({ title, note, values }: Panel, width: number): string {
  const bars = peaks(values, width);
  const max = Math.max(...bars, 1);
  const rows = Array.from({ length: panelRows }, (_, row) => {
    const label = row === 0 ? `${max}` : '';
    const cells = bars.map((value) => block(value, max, panelRows - 1 - row)).join('');
    return `${label.padStart(gutter - 2)} │${styleText('cyan', cells.trimEnd())}\n`;
  });
  return `  ${styleText('bold', title)}: ${note}\n${rows.join('')}`;
}

/** Returns the part of a bar in a row, counted from below. Every value above 0 is visible. */
function block(value: number, max: number, row: number): string {
  const height = value === 0 ? 0 : Math.max(Math.round((value / max) * panelRows * 8), 1);
  return eighths.charAt(Math.min(Math.max(height - row * 8, 0), 8));
}

function axis(marks: readonly Mark[], width: number): string {
  const columns = new Set(marks.map(({ column }) => column));
  const line = Array.from({ length: width }, (_, i) => (columns.has(i) ? '┴' : '─')).join('');
  return `${' '.repeat(gutter - 1)}└${line}\n`;
}

/** Writes each time below its mark. A time that would touch the previous one is omitted. */
function times(marks: readonly Mark[]): string {
  let line = '';
  for (const { column, time } of marks) {
    const start = gutter + column - 2;
    if (line === '' || start > line.length + 1) line = line.padEnd(start) + time;
  }
  return `${line}\n`;
}
