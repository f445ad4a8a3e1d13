/** Largest number of entries. */
const mostEntries = 32;

/**
 * Positions of a follower upstream, each with a head of the follower's own log that was read before. They show where
 * effects cannot be: a notification above the position was processed later, so its effects lie above that head.
 */
export class EarlierPositions {
  /** Dense for recent positions and sparse for old ones. */
  #entries: { head: number; readonly position: number }[] = [];

  /** The newest position, or 0. */
  get newest(): number {
    return this.#entries.at(-1)?.position ?? 0;
  }

  /** Adds a position, which must have been read after the head. */
  add(head: number, position: number): void {
    const newest = this.#entries.at(-1);
    if (newest?.position === position) newest.head = head;
    else this.#entries.push({ head, position });
    if (this.#entries.length > mostEntries) this.#entries = this.#entries.filter((_, i) => i % 2 === 0);
  }

  /** Forgets all positions, because effects of notifications behind them may be on record before them. */
  clear(): void {
    this.#entries = [];
  }

  /** Returns an id in the follower's log at or before which there are no effects of the notifications from `first` on. */
  headBefore(first: number): number {
    return this.#entries.findLast(({ position }) => position < first)?.head ?? 0;
  }
}
