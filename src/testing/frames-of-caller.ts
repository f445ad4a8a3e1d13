import { isError, KahnError } from '../util/errors.ts';
import { isOwnCode } from './own-code.ts';

/** Returns the stack frames above a function that is running. */
export function framesAbove(running: (...args: never) => unknown): string {
  const trace = { stack: '' };
  Error.captureStackTrace(trace, running);
  return trace.stack.split('\n').slice(1).join('\n');
}

/**
 * Makes a call. An error gets the frames of the caller behind its own: Node knows them only if each function on the way is
 * `async` and awaits, so a test that returns the promise of a helper would not be named. The first frames of an error of kahn are
 * left out, so that it shows the test.
 */
export async function withFrames<T>(frames: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    appendFrames(error, frames);
    throw error;
  }
}

function appendFrames(error: unknown, frames: string): void {
  if (!isError(error) || typeof error.stack !== 'string') return;
  const all = error.stack.split('\n');
  const lines = error instanceof KahnError ? withoutOwn(all) : all;
  const known = new Set(lines.map(placeOf));
  const added = frames.split('\n').filter((frame) => !known.has(placeOf(frame)));
  Reflect.set(error, 'stack', [...lines, ...added].join('\n')); // unless it is frozen
}

/** Leaves out the frames of kahn, and of Node between them, that are in front of all others. */
function withoutOwn(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => /^\s+at /.test(line));
  if (first < 0) return lines;
  const isOther = (line: string) => !/\bnode:internal\//.test(line) && !isOwnCode(fileOf(line));
  const others = lines.findIndex((line, i) => i >= first && isOther(line));
  return [...lines.slice(0, first), ...(others < 0 ? [] : lines.slice(others))];
}

/** Returns the file of a frame, without line and column. */
function fileOf(frame: string): string {
  return placeOf(frame).replace(/(:\d+)*$/, '');
}

/** Returns the place of a frame: its function is named otherwise where it is awaited. */
function placeOf(frame: string): string {
  return /\(([^()]+)\)$/.exec(frame)?.[1] ?? frame.replace(/^\s*at (?:async )?/, '');
}
