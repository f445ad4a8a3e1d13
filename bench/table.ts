/** A column: a negative width is that of text, which stands at the left. */
export interface Column {
  readonly title: string;
  readonly width: number;
}

/** The lines of a table. */
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

/** Whether a target is met, if there is one. */
export function verdictOf(value: number, target: number | undefined, digits: number): string {
  if (target === undefined) return '';
  return value >= target ? 'met' : `missed by ${(target - value).toFixed(digits)}`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** Milliseconds as microseconds. */
export function micros(ms: number): string {
  return `${whole(ms * 1_000)} us`;
}

function padded(cell: string, width: number): string {
  return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
}
