/** Notification ids of one log in ascending order, as ranges: few numbers for many ids. */
export class IdRanges {
  readonly #ranges: { readonly first: number; last: number }[] = [];

  /** Returns the ids from `first` to `last`. */
  static of(first: number, last: number): IdRanges {
    const ids = new IdRanges();
    if (last >= first) ids.#ranges.push({ first, last });
    return ids;
  }

  /** Number of ranges. */
  get size(): number {
    return this.#ranges.length;
  }

  /** The largest id, or 0. */
  get last(): number {
    return this.#ranges.at(-1)?.last ?? 0;
  }

  /** Adds an id above all others. */
  add(id: number): void {
    const end = this.#ranges.at(-1);
    if (end !== undefined && end.last === id - 1) end.last = id;
    else this.#ranges.push({ first: id, last: id });
  }

  has(id: number): boolean {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.last ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return (this.#ranges[low]?.first ?? Infinity) <= id;
  }

  /** Returns the spans of ids that have no gap of more than `gap` ids. */
  spans(gap: number): readonly { readonly first: number; readonly last: number }[] {
    const spans: { first: number; last: number }[] = [];
    for (const { first, last } of this.#ranges) {
      const end = spans.at(-1);
      if (end !== undefined && first - end.last <= gap + 1) end.last = last;
      else spans.push({ first, last });
    }
    return spans;
  }
}
