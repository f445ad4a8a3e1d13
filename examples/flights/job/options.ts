import { basename, join } from 'node:path';
import { parse, shippedFile } from './command-line.ts';
import { UsageError } from './errors.ts';
import { type EventLocation, inDatabase, inDirectory } from './event-location.ts';

export interface Options {
  /** Path of the JSON file with the records. */
  readonly file: string;
  /** Name of the file without its extension; the ids of the flights depend on it. */
  readonly dataset: string;
  readonly location: EventLocation;
}

const sizes = ['2k', '5k', '10k', '20k', '200k'];
const string = { type: 'string' } as const;
const options = {
  size: string,
  file: string,
  directory: string,
  postgres: string,
  help: { type: 'boolean', short: 'h' },
} as const;

export const help = `Claims and pays the compensation for late flights, and finds the worst airports.

Usage: npm start -- [options]

  --size SIZE        number of real flights: ${sizes.join(', ')} (default 5k)
  --file PATH        your own flights, a JSON array of records such as
                     {"date":"2001/01/01 06:55","delay":-19,"distance":1797,"origin":"LAX","destination":"BNA"}
                     (in minutes and miles; date, origin and destination are optional)
  --directory PATH   directory of the SQLite file with the events (default data/ and the name of the file)
  --postgres URL     store the events in a PostgreSQL database instead, in a schema with the name of the file
  --help             print this text

You can stop it at any time, with Ctrl-C or kill -9: the same command continues where it stopped.
`;

/** Parses the command line; undefined if it asks for help. Throws {@link UsageError}. */
export function optionsFrom(args: readonly string[]): Options | undefined {
  const { size, file, directory, postgres, help: helpWanted } = parse(args, options);
  if (helpWanted) return undefined;
  if (file !== undefined && size !== undefined) throw new UsageError('Pass --size or --file, not both.');
  if (file === '') throw new UsageError('--file needs the path of a JSON file.');
  if (directory !== undefined && postgres !== undefined) {
    throw new UsageError('Pass --directory or --postgres, not both.');
  }
  if (directory === '') throw new UsageError('--directory needs a path.');
  const path = file ?? shippedFile(size ?? '5k', sizes);
  const dataset = basename(path, '.json');
  const location =
    postgres === undefined ? inDirectory(directory ?? join('data', dataset)) : inDatabase(postgres, dataset);
  return { file: path, dataset, location };
}
