import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { RunnerEvents } from 'kahn';
import { postgres } from 'kahn/postgres';
import { RestateService } from 'kahn/restate';
import { shop } from '../../../examples/shop/shop.ts';

// Serves the shop in a process of its own, until it is asked to end or its parent is gone.
const [connectionString = '', schema = '', systemActorName = '', port = ''] = process.argv.slice(2);
await using _service = await RestateService.start(shop, {
  storage: postgres({ connectionString, schema, retryTimeoutMs: 500 }),
  systemActorName,
  port: Number(port),
  batchSize: 7,
});
// Told the name of an application, it dies when that has recorded something, before the engine hears of it.
process.once('message', (name) => {
  subscribe('kahn:processed', (event) => {
    const { applicationName } = event as RunnerEvents['processed'];
    if (applicationName === name) process.kill(process.pid, 'SIGKILL');
  });
});
process.send?.('ready');
await Promise.race([once(process, 'SIGTERM'), once(process, 'disconnect')]);
if (process.connected) process.disconnect();
