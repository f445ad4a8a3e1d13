import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { RunnerEvents } from 'kahn';
import { postgres } from 'kahn/postgres';
import { RestateService } from 'kahn/restate';
import { shop } from '../../../examples/shop/shop.ts';

// Serves the shop in a separate process until SIGTERM or the exit of its parent.
const [connectionString = '', schema = '', systemActorName = '', port = ''] = process.argv.slice(2);
await using _service = await RestateService.start(shop, {
  storage: postgres({ connectionString, schema, retryTimeoutMs: 500 }),
  systemActorName,
  port: Number(port),
  batchSize: 7,
});
// After a message with an application's name, dies once that application has recorded something, before the engine
// receives the result.
process.once('message', (name) => {
  subscribe('kahn:processed', (event) => {
    const { applicationName } = event as RunnerEvents['processed'];
    if (applicationName === name) process.kill(process.pid, 'SIGKILL');
  });
});
const ended = Promise.race([once(process, 'SIGTERM'), once(process, 'disconnect')]);
process.send?.('ready');
await ended;
if (process.connected) process.disconnect();
