import { isAbsolute, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AggregateNotFoundError, InvalidPolicyError } from '../../application/errors.ts';
import { isError, isInstance } from '../../util/errors.ts';
import { isOwnCode } from '../own-code.ts';

/** Errors whose messages hold nothing of events but ids and types, unless they have causes. */
const shownTypes: readonly (abstract new (...args: never[]) => Error)[] = [
  InvalidPolicyError,
  AggregateNotFoundError,
];

/** Describes an error by its name, code and place. Most messages are left out, since they may hold personal data. */
export function errorLine(error: unknown): string {
  if (!isError(error)) return 'The policy threw a value that is no error.';
  const { code } = error as { readonly code?: unknown };
  const named = typeof code === 'string' ? `${error.name} (${code})` : error.name;
  const place = placeOf(error);
  const isShown = shownTypes.some((type) => isInstance(error, type)) && error.cause === undefined;
  return `${named}${place === undefined ? '' : ` at ${place}`}${isShown ? `: ${error.message}` : ''}`;
}

/** Returns where the code of the user threw an error, as file, line and column; undefined if the stack does not show it. */
function placeOf({ stack, message }: Error): string | undefined {
  if (typeof stack !== 'string') return undefined;
  const start = stack.indexOf(message);
  const trace = start < 0 ? stack : stack.slice(start + message.length);
  const lines = trace.split('\n');
  const frames = lines.slice(lines.findLastIndex((line) => !/^ +at /.test(line)) + 1);
  const places = frames.map((frame) => /([^\s()]+|(?<=\().+):(\d+):(\d+)\)?$/.exec(frame));
  for (const [, file = '', line, column] of places.filter((place) => place !== null)) {
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    if (isAbsolute(path) && !isOwnCode(path)) return `${fromHere(path)}:${line}:${column}`;
  }
  return undefined;
}

/** Returns a path relative to the working directory if it leads below that. */
function fromHere(path: string): string {
  const below = relative(process.cwd(), path);
  return below.startsWith('..') || isAbsolute(below) ? path : below;
}
