import { parse, shippedFile } from '../flights/job/command-line.ts';
import { UsageError } from '../flights/job/errors.ts';
import { minutesPerClaim, openingHours } from './clerks.ts';

/** What is to be simulated, and how. */
export interface Options {
  /** The JSON file with the records. */
  readonly file: string;
  /** What the flights are called; it goes into their ids. */
  readonly dataset: string;
  readonly clerks: number;
  /** Whether each application that follows others gets a thread. */
  readonly threads: boolean;
  /** How many times faster than real time; 0 is as fast as it can. */
  readonly speed: number;
  /** The file to draw. */
  readonly svg: string | undefined;
}

/** The largest file has no departures. */
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

export const help = `Simulates a day of flights, minute by minute, and draws what waits where.

Usage: npm run simulate -- [options]

  --size SIZE    how many of the real flights: ${sizes.join(', ')} (default 10k); their days are folded onto one
  --clerks N     how many clerks pay claims, ${openingHours}, each one in ${minutesPerClaim} minutes (default 1)
  --threads      a thread for each application that follows others; the result is the same to the byte
  --speed N      N times faster than real time, to watch it: 3600 is an hour in a second
                 (default 0: as fast as it can)
  --svg FILE     draws the chart into a file, too
  --help         show this
`;

/** Reads the command line; undefined if help is asked for. Throws {@link UsageError}. */
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
