import { isError } from '../util/errors.ts';

/** Returns the stack frames above a function that is running. */
export function framesAbove(running: (...args: never) => unknown): string {
  const trace = { stack: '' };
  Error.captureStackTrace(trace, running);
  return trace.stack.split('\n').slice(1).join('\n');
}

/**
 * Makes a call. An error gets the frames of the caller behind its own: Node knows them only if each function on the way is
 * `async` and awaits, so a test that returns the promise of a helper would not be named.
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
  const known = new Set(error.stack.split('\n').map(placeOf));
  const added = frames.split('\n').filter((frame) => !known.has(placeOf(frame)));
  if (added.length > 0) Reflect.set(error, 'stack', [error.stack, ...added].join('\n')); // unless it is frozen
}

/** Returns the place of a frame: its function is named otherwise where it is awaited. */
function placeOf(frame: string): string {
  return /\(([^()]+)\)$/.exec(frame)?.[1] ?? frame.replace(/^\s*at (?:async )?/, '');
}
