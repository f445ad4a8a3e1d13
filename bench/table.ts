/** A column of a table. A negative width aligns it to the left. */
export interface Column {
  readonly title: string;
  readonly width: number;
}

/** Formats the lines of a table. */
export class Table {
  readonly header: string;
  readonly #columns: readonly Column[];

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
    this.header = this.line(columns.map(({ title }) => title));
  }

  line(cells: readonly string[]): string {
    return cells
      .map((cell, i) => padded(cell, this.#columns[i]?.width ?? 0))
      .join('')
      .trimEnd();
  }
}

/** Describes whether a target is met; empty without a target. */
export function verdictOf(value: number, target: number | undefined, digits: number): string {
  if (target === undefined) return '';
  return value >= target ? 'met' : `missed by ${(target - value).toFixed(digits)}`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** Formats milliseconds as microseconds. */
export function micros(ms: number): string {
  return `${whole(ms * 1_000)} us`;
}

function padded(cell: string, width: number): string {
  return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
}
