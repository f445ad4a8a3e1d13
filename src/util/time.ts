import { AsyncLocalStorage } from 'node:async_hooks';

/** A time of its own, for all that is called in it. */
export interface SimulatedTime {
  /** Milliseconds since 1970. */
  now(): number;
  /** A new id, the same again when the simulation is. */
  newId(): string;
}

const scope = new AsyncLocalStorage<SimulatedTime>();

/** Calls a function for which, and for all that it awaits, another time holds. */
export function inTime<T>(time: SimulatedTime, run: () => T): T {
  return scope.run(time, run);
}

/** The time that holds here, if it is not that of the machine. */
export function simulatedTime(): SimulatedTime | undefined {
  return scope.getStore();
}

/** The longest that a timer of Node can wait, in milliseconds: some 25 days. Longer ones would not wait at all. */
export const longestTimerMs: number = 2 ** 31 - 1;

/** Milliseconds since 1970. */
export function now(): number {
  return scope.getStore()?.now() ?? Date.now();
}

/** Real time, to be replaced in tests. */
export interface Clock {
  /** Milliseconds since some moment; never steps back. */
  now(): number;
  /** Resolves after so many milliseconds, at the next turn of the event loop if there are none; rejects when aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
