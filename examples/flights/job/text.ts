const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Formats a number, such as 12,345. */
export function count(value: number): string {
  return whole.format(value);
}

/** Formats rows in columns: the first is aligned to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) => `  ${row.map((cell, i) => aligned(cell, widths[i] ?? 0, i)).join('  ')}\n`)
    .join('');
}

function aligned(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
