/** Work of an application in a tick. */
export interface ApplicationTick {
  readonly applicationName: string;
  /** Number of notifications that the application read, handled or ignored. */
  readonly fetched: number;
  /** Number of events that the application recorded, in its policy and by commands. */
  readonly recorded: number;
}

/** A tick of a stepping runner. */
export interface Tick {
  /** Number of the tick since the start of the runner; the first is 1. */
  readonly number: number;
  /** Simulated time, in ms since 1970. */
  readonly simulatedTimeMs: number;
  /** Real time since the start of the runner, in ms. */
  readonly realTimeMs: number;
  /** Real time that the work of the tick took, in ms. */
  readonly durationMs: number;
  /** CPU use of this process during the tick; 1 is one core fully busy. */
  readonly intensity: number;
  /** Ticks per second of real time, over the last 100 ticks of the clock. */
  readonly actualSpeed: number;
  /** All applications, in the order of definition. */
  readonly applications: readonly ApplicationTick[];
}

export function nothingHappenedIn({ applications }: Tick): boolean {
  return applications.every(({ fetched, recorded }) => fetched === 0 && recorded === 0);
}

/** Formats a tick as one line of text. */
export function lineOf(tick: Tick): string {
  const { number, simulatedTimeMs, realTimeMs, durationMs, intensity, actualSpeed, applications } = tick;
  const work = applications
    .filter(({ fetched, recorded }) => fetched > 0 || recorded > 0)
    .map(({ applicationName, fetched, recorded }) => `${applicationName} ${fetched}>${recorded}`);
  return [
    `tick ${number}`,
    new Date(simulatedTimeMs).toISOString(),
    `${(realTimeMs / 1_000).toFixed(2)} s`,
    `${durationMs.toFixed(1)} ms`,
    `${(intensity * 100).toFixed(0)} %`,
    `${actualSpeed.toFixed(1)} Hz`,
    ...work,
  ].join('  ');
}
