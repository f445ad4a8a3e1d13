import { backup, sqlite } from 'kahn/sqlite';

// Copies a file, but is killed after some steps, or else when the copy is done.
const [file = '', target = '', steps = ''] = process.argv.slice(2);
let left = Number(steps);
const onProgress = () => {
  if (left === 0) process.kill(process.pid, 'SIGKILL');
  left -= 1;
};
await backup(sqlite({ file }), target, { onProgress });
process.kill(process.pid, 'SIGKILL');
