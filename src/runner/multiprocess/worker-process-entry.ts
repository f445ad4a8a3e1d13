import { runProcess } from './worker-process.ts';

// Program of a process: a separate file, because Node starts a process by the path of a file.
if (process.send !== undefined) await runProcess();
