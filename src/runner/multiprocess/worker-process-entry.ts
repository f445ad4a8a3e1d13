import { runProcess } from './worker-process.ts';

// The program of a process: a file of its own, because a process is started by a path.
if (process.send !== undefined) await runProcess();
