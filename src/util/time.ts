import { performance } from 'node:perf_hooks';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { ownLocalStorage } from './environment/root-context.ts';

/** Time of a simulation. */
export interface SimulatedTime {
  /** Simulated time, in ms since 1970. */
  now(): number;
  /** Makes an id that is the same on every run of the simulation. */
  newId(): string;
}

/** Work in a simulated time. */
interface SimulatedWork {
  readonly time: SimulatedTime;
  /** Whether the work is done. What it has opened may outlive it, and is no part of the simulation. */
  hasEnded: boolean;
}

const scope = ownLocalStorage<SimulatedWork>();

/** Does work in a simulated time, which applies until the work has ended. */
export async function inTime<T>(time: SimulatedTime, run: () => Promise<T>): Promise<T> {
  const work = { time, hasEnded: false };
  try {
    return await scope.run(work, run);
  } finally {
    work.hasEnded = true;
  }
}

/** Returns the simulated time of the current call, or undefined outside of simulations. */
export function simulatedTime(): SimulatedTime | undefined {
  const work = scope.getStore();
  return work === undefined || work.hasEnded ? undefined : work.time;
}

/** Longest delay of a timer in Node, in ms (25 days). Timers with a longer delay fire immediately. */
export const longestTimerMs: number = 2 ** 31 - 1;

/** Current time of the simulation or the machine, in ms since 1970. */
export function now(): number {
  return simulatedTime()?.now() ?? Date.now();
}

/** Returns a time for a message: ISO 8601, or the number itself if no Date can have it. */
export function timeText(timestamp: number): string {
  return Math.abs(timestamp) <= 8.64e15 ? new Date(timestamp).toISOString() : String(timestamp);
}

/** A clock that can be replaced in tests. */
export interface Clock {
  /** Time in ms since an arbitrary moment. Never decreases. */
  now(): number;
  /** Resolves after a delay in ms; for 0, in the next turn of the event loop. Rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Clock of the machine. */
export const realClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => (ms > 0 ? sleep(ms, signal) : nextTurn(undefined, { signal })),
};

/** Resolves after a delay of any length, in ms. Rejects when the signal is aborted. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  for (let restMs = ms; restMs > 0; restMs -= longestTimerMs)
    await delay(Math.min(restMs, longestTimerMs), undefined, { signal });
}
