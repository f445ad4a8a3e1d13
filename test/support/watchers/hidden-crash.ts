import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { isMainThread } from 'node:worker_threads';

/** Hides the stack of the next crash of this process from the output of the tests. */
export function hideCrash(): void {
  if (!isMainThread) return; // the runner gets the error of a thread, and Node prints nothing
  closeSync(2);
  openSync(devNull, 'w'); // has the lowest free number, which is that of stderr
}
