import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

const help = `Usage: npm run bench -- [options]

Measures the shop of examples/shop and prints medians: compared with a hand-written baseline on every
storage, with and without causes, then with threads, processes, HTTP, ticks and actors. PostgreSQL is the server
at KAHN_POSTGRES_URL; without this variable, a server is started with its data in the system's temporary
directory.

  --rounds N        measured rounds, after some rounds to warm up (default 7)
  --orders N        orders per round (default: depends on the storage)
  --only TEXT       measure only rows whose name contains TEXT, such as 'FULL, appends', 'causes',
                    'validation', 'personal data', 'sealed',
                    'verify', 'projection', 'growth', 'long aggregates', 'threads', 'processes', 'remote',
                    'ticks' or 'Restate'
  --directory PATH  directory of the SQLite files (default: the system's temporary directory)
  --help            print this text
`;

export interface Options {
  readonly rounds: number;
  readonly orders: number | undefined;
  readonly only: string;
  readonly directory: string;
}

/** Parses the command line; undefined if it asks for help. Throws if an option is unknown or invalid. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '7' },
      orders: { type: 'string' },
      only: { type: 'string', default: '' },
      directory: { type: 'string', default: tmpdir() },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return undefined;
  }
  return {
    rounds: count(values.rounds, '--rounds'),
    orders: values.orders === undefined ? undefined : count(values.orders, '--orders'),
    only: values.only,
    directory: values.directory,
  };
}

function count(text: string, name: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`Expected ${name} to be an integer >= 1, got '${text}'.`);
}
