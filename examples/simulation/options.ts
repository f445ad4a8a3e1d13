import { parse, shippedFile } from '../flights/job/command-line.ts';
import { UsageError } from '../flights/job/errors.ts';
import { minutesPerClaim, openingHours } from './clerks.ts';

export interface Options {
  /** Path of the JSON file with the records. */
  readonly file: string;
  /** Name of the flights; their ids depend on it. */
  readonly dataset: string;
  readonly clerks: number;
  /** Whether each application that follows others runs in its own thread. */
  readonly threads: boolean;
  /** Speed relative to real time; 0 runs without pauses. */
  readonly speed: number;
  /** Path of the SVG file to write. */
  readonly svg: string | undefined;
}

/** Sizes of the files; the largest one, 200k, has no departures. */
const sizes = ['2k', '5k', '10k', '20k'];
const string = { type: 'string' } as const;
const boolean = { type: 'boolean' } as const;
const options = {
  size: string,
  clerks: string,
  threads: boolean,
  speed: string,
  svg: string,
  help: { type: 'boolean', short: 'h' },
} as const;

export const help = `Simulates a day of flights, minute by minute, and charts the queues.

Usage: npm run simulate -- [options]

  --size SIZE    number of real flights: ${sizes.join(', ')} (default 10k), all moved to one day
  --clerks N     number of clerks, who work ${openingHours}, ${minutesPerClaim} minutes per claim (default 1)
  --threads      run each application that follows others in its own thread; the output is the same
  --speed N      run N times as fast as real time and show the progress: 3600 is an hour per second
                 (default 0: without pauses)
  --svg FILE     also write the chart to a file
  --help         print this text
`;

/** Parses the command line; undefined if it asks for help. Throws {@link UsageError}. */
export function optionsFrom(args: readonly string[]): Options | undefined {
  const { size = '10k', clerks = '1', threads = false, speed = '0', svg, help } = parse(args, options);
  if (help) return undefined;
  if (svg === '') throw new UsageError('--svg needs the path of a file.');
  return {
    file: shippedFile(size, sizes),
    dataset: `flights-${size}`,
    clerks: wholeNumber('--clerks', clerks, 1, 1_000),
    threads,
    speed: wholeNumber('--speed', speed, 0, 1_000_000),
    svg,
  };
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${option} needs a whole number from ${min} to ${max}, not '${text}'.`);
}
