import { TickWaits, type TickWaitsParts } from './tick-waits.ts';

export interface SteppingWaitsParts extends Pick<TickWaitsParts, 'system' | 'running' | 'stateOf'> {
  /** Holds the signal that ends all waits: another one after each restart. */
  readonly stop: Pick<TickWaitsParts, 'stopped'>;
  /** Runs a tick. Resolves with whether nothing happened in it. */
  step(): Promise<boolean>;
  /** Awaits the next tick, which another caller runs. Resolves with whether nothing happened in it. */
  next(): Promise<boolean>;
  /** Records the positions behind ignored notifications. */
  recordPositions(): Promise<void>;
  /** Throws if an application waits for something that no tick brings. */
  assertNoneBlocked(): void;
}

/** The calls of a stepping runner that wait until notifications are processed. */
export class SteppingWaits {
  /** For calls while the clock is paused: they run the ticks themselves. */
  readonly stepping: TickWaits;
  /** For calls while the clock runs. */
  readonly watching: TickWaits;

  constructor(parts: SteppingWaitsParts) {
    this.stepping = waitsOn(parts, parts.step, parts.assertNoneBlocked);
    this.watching = waitsOn(parts, parts.next, () => {});
  }
}

function waitsOn(
  { system, running, stateOf, recordPositions, stop }: SteppingWaitsParts,
  next: () => Promise<boolean>,
  assertNoneStuck: () => void,
): TickWaits {
  return new TickWaits({
    system,
    running,
    ticks: { next, recordPositions, assertNoneStuck },
    stateOf,
    get stopped() {
      return stop.stopped;
    },
  });
}
