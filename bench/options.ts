import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

const help = `Usage: npm run bench -- [options]

Runs the shop of examples/shop on every storage beside the same work written by hand, in turn; then
on one thread, on several, and in processes; then by ticks; then by actors; and prints the medians. PostgreSQL is the server that KAHN_POSTGRES_URL leads to;
without that, one is started, with its data in the system's temporary directory.

  --rounds N        how often each is measured, after some rounds to warm up (default 7)
  --orders N        how many orders a round has; by default they depend on the storage
  --only TEXT       only the rows whose name contains TEXT, such as 'FULL, appends', 'threads', 'processes', 'ticks' or 'Restate'
  --directory PATH  where the files of SQLite go (default: the system's temporary directory)
  --help            prints this
`;

export interface Options {
  readonly rounds: number;
  readonly orders: number | undefined;
  readonly only: string;
  readonly directory: string;
}

/** Reads the command line; undefined if only help was asked for. Throws for what it does not know. */
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
  throw new Error(`${name} is a whole number from 1, but this one is '${text}'.`);
}
