/** What an application did in a tick. */
export interface ApplicationTick {
  readonly applicationName: string;
  /** How many notifications it read, handled or not. */
  readonly fetched: number;
  /** How many events it recorded, by its policy or by commands. */
  readonly recorded: number;
}

/** A tick of a stepping runner. */
export interface Tick {
  /** Ticks are counted from 1. */
  readonly number: number;
  /** Simulated time in milliseconds since 1970. */
  readonly simulatedTimeMs: number;
  /** Real time since the start of the runner, in milliseconds. */
  readonly realTimeMs: number;
  /** How long it worked, in milliseconds of real time. */
  readonly durationMs: number;
  /** How much of that this process was busy on its processors: 1 is one of them all the time. */
  readonly intensity: number;
  /** Ticks per second of real time, over the last ticks. */
  readonly actualSpeed: number;
  /** All applications, in the order of definition. */
  readonly applications: readonly ApplicationTick[];
}

export function nothingHappenedIn({ applications }: Tick): boolean {
  return applications.every(({ fetched, recorded }) => fetched === 0 && recorded === 0);
}

/** A tick as one line of text. */
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
