import { Worker } from 'node:worker_threads';

const intervalMs = 1_000;
/** How long this process may take to end by itself when its parent has died. */
const graceMs = 3_000;

/**
 * Kills this process when the one that has started it is gone and it does not end by itself: its own thread may stand
 * still in a policy, so another one watches.
 */
export function watchParent(parentPid: number): void {
  const program = `(${watch})(${parentPid}, ${intervalMs}, ${graceMs})`;
  // It needs next to nothing, but would get as much as the thread of an application.
  const resourceLimits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 };
  new Worker(program, {
    eval: true,
    execArgv: [],
    env: {},
    name: 'kahn parent watch',
    resourceLimits,
  }).unref();
}

/**
 * What the other thread does. Its text is all that goes there, so it refers to nothing outside of it. From a file of
 * its own it would not start where that is TypeScript: to strip the types takes more than the 8 MB that it gets.
 */
function watch(parentPid: number, everyMs: number, waitMs: number): void {
  const watching = setInterval(() => {
    if (process.ppid === parentPid) return;
    clearInterval(watching);
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), waitMs);
  }, everyMs);
}
