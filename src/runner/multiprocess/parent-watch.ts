import { Worker } from 'node:worker_threads';

const intervalMs = 1_000;
/** Time for this process to exit after its parent died, in ms. */
const graceMs = 3_000;

/**
 * Kills this process if its parent is gone and this process does not exit in time. A separate thread watches,
 * because a policy may block the main thread.
 */
export function watchParent(parentPid: number): void {
  const program = `(${watch})(${parentPid}, ${intervalMs}, ${graceMs})`;
  // The thread needs little memory, but would get as much as the thread of an application.
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
 * Runs in the watching thread, which gets only the text of this function: it must not refer to anything outside of
 * itself. The function is not in a separate file because stripping the types of a TypeScript file takes more memory than
 * the thread has.
 */
function watch(parentPid: number, everyMs: number, waitMs: number): void {
  const watching = setInterval(() => {
    if (process.ppid === parentPid) return;
    clearInterval(watching);
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), waitMs);
  }, everyMs);
}
