/** A tick as it is given to the applications. */
export interface Moment {
  readonly tick: number;
  /** Simulated time in milliseconds since 1970. */
  readonly timeMs: number;
  /** What ids made in this tick follow from. */
  readonly seed: string;
}

/** What an application did in a tick. */
export interface Acted {
  /** How many notifications it has fetched. */
  readonly fetched: number;
  /** For what it waits in another pipeline, if it does. */
  readonly stall: unknown;
}

/** The one pipeline that is stepped. */
export const pipelineId = 0;

/** Where the applications of a stepping runner act, tick by tick. */
export interface StepDriver {
  /**
   * Lets all applications fetch what is new, and then all of them process it; resolves with what each did, by their
   * names.
   *
   * @throws StepFailure if one has failed; the others have processed what they had fetched.
   */
  advance(moment: Moment, signal: AbortSignal): Promise<ReadonlyMap<string, Acted>>;
  /**
   * Records the positions behind ignored notifications.
   *
   * @throws StepFailure if an application has failed.
   */
  recordPositions(signal: AbortSignal): Promise<void>;
  /**
   * Ends all, by force what acts still or does not end in `drainTimeoutMs`; resolves with the applications where that
   * was needed.
   */
  close(drainTimeoutMs: number): Promise<readonly string[]>;
}
