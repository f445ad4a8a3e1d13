import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';

/** Returns the running child processes that were started after this call, and calls `hear` with each. */
export function watchProcesses(hear: (child: ChildProcess) => void = () => {}): ReadonlySet<ChildProcess> {
  const children = new Set<ChildProcess>();
  const note = (message: unknown) => {
    const child = (message as { readonly process: ChildProcess }).process;
    children.add(child);
    child.once('exit', () => children.delete(child));
    hear(child);
  };
  subscribe('child_process', note);
  onTestFinished(() => void unsubscribe('child_process', note));
  return children;
}
