import type { Fault, FaultCategory } from './fault.ts';

/** Most faults that are kept; further ones are only counted. */
const mostFaults = 1_000;

/** Result of `verify()`. Its fields are plain data, so that `JSON.stringify` keeps them. */
export class Verification {
  /** Number of events that were read. */
  readonly events: number;
  /** Number of these events that name the notification that caused them. */
  readonly causes: number;
  /** Number of faults by which something is lost. */
  readonly lost: number;
  /** Number of faults by which something is recorded twice. */
  readonly doubled: number;
  /** Number of faults by which something is in the wrong place. */
  readonly misplaced: number;
  /** The first 1,000 faults. */
  readonly faults: readonly Fault[];
  /** Whether there are no faults. */
  readonly isSound: boolean;

  /** @internal */
  constructor(events: number, causes: number, { faults, counts }: FaultList) {
    this.events = events;
    this.causes = causes;
    this.lost = counts.lost;
    this.doubled = counts.doubled;
    this.misplaced = counts.misplaced;
    this.faults = faults;
    this.isSound = faults.length === 0;
  }

  /** Returns one line, such as "1,500,000 events, 900,000 causes: 0 lost, 0 doubled". */
  toString(): string {
    const misplaced = this.misplaced === 0 ? '' : `, ${shown(this.misplaced)} misplaced`;
    const found = `${shown(this.lost)} lost, ${shown(this.doubled)} doubled${misplaced}`;
    return `${shown(this.events)} events, ${shown(this.causes)} causes: ${found}`;
  }
}

/** Collects faults: keeps a bounded number of them and counts all. */
export class FaultList {
  readonly faults: Fault[] = [];
  readonly counts: Record<FaultCategory, number> = { lost: 0, doubled: 0, misplaced: 0 };

  add(fault: Fault): void {
    this.counts[fault.category] += 1;
    if (this.faults.length < mostFaults) this.faults.push(fault);
  }
}

function shown(count: number): string {
  return count.toLocaleString('en-US');
}
