import { runProcess } from './inside.ts';

// The program of a process: a file of its own, because a process is started by a path.
if (process.send !== undefined) await runProcess();
