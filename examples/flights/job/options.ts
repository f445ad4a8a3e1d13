import { basename, join } from 'node:path';
import { parse, shippedFile } from './command-line.ts';
import { UsageError } from './errors.ts';
import { inDatabase, inDirectory, type Place } from './place.ts';

/** What the job is to do. */
export interface Options {
  /** The JSON file with the records. */
  readonly file: string;
  /** The name of the file without its ending; it goes into the ids of the flights. */
  readonly dataset: string;
  readonly place: Place;
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

  --size SIZE        how many of the real flights: ${sizes.join(', ')} (default 5k)
  --file PATH        flights of your own, a JSON array of records such as
                     {"date":"2001/01/01 06:55","delay":-19,"distance":1797,"origin":"LAX","destination":"BNA"}
                     (minutes and miles; date, origin and destination may be left out)
  --directory PATH   where the events are kept, in SQLite files (default data/ and the name of the file)
  --postgres URL     keeps them in a PostgreSQL database instead, in a schema with the name of the file
  --help             show this

Stop it whenever you like, with Ctrl-C or worse: the same command goes on where it was.
`;

/** Reads the command line; undefined if help is asked for. Throws {@link UsageError}. */
export function optionsFrom(args: readonly string[]): Options | undefined {
  const { size, file, directory, postgres, help: helpWanted } = parse(args, options);
  if (helpWanted) return undefined;
  if (file !== undefined && size !== undefined) throw new UsageError('Give --size or --file, not both.');
  if (file === '') throw new UsageError('--file needs the path of a JSON file.');
  if (directory !== undefined && postgres !== undefined) {
    throw new UsageError('Give --directory or --postgres, not both.');
  }
  if (directory === '') throw new UsageError('--directory needs a path.');
  const path = file ?? shippedFile(size ?? '5k', sizes);
  const dataset = basename(path, '.json');
  const place =
    postgres === undefined ? inDirectory(directory ?? join('data', dataset)) : inDatabase(postgres, dataset);
  return { file: path, dataset, place };
}
