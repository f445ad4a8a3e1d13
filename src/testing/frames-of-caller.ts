import { fileURLToPath } from 'node:url';
import { isError } from '../util/errors.ts';

/** Paths of the code of this kit, as compiled and as written. */
const own = ['src', 'dist'].map((folder) =>
  fileURLToPath(new URL(`../../${folder}/testing/`, import.meta.url)),
);

/** Returns the stack frames above a function that is running. */
export function framesAbove(running: (...args: never) => unknown): string {
  const trace = { stack: '' };
  Error.captureStackTrace(trace, running);
  return trace.stack.split('\n').slice(1).join('\n');
}

/**
 * Makes a call. An error gets the frames of the caller behind its own: Node knows them only if each function on the way is
 * `async` and awaits, so a test that returns the promise of a helper would not be named. If the error is made here, its first
 * frames are left out, so that it shows the test.
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
  const lines = withoutOwn(error.stack.split('\n'));
  const known = new Set(lines.map(placeOf));
  const added = frames.split('\n').filter((frame) => !known.has(placeOf(frame)));
  Reflect.set(error, 'stack', [...lines, ...added].join('\n')); // unless it is frozen
}

/** Leaves out the frames of this kit, and of Node between them, that are in front of all others. */
function withoutOwn(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => /^\s+at /.test(line));
  if (first < 0) return lines;
  const isOwn = (line: string) =>
    own.some((path) => placeOf(line).replace('file://', '').startsWith(path)) || /\bnode:internal\//.test(line);
  const others = lines.findIndex((line, i) => i >= first && !isOwn(line));
  return [...lines.slice(0, first), ...(others < 0 ? [] : lines.slice(others))];
}

/** Returns the place of a frame: its function is named otherwise where it is awaited. */
function placeOf(frame: string): string {
  return /\(([^()]+)\)$/.exec(frame)?.[1] ?? frame.replace(/^\s*at (?:async )?/, '');
}
