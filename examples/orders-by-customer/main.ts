import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { openDesk } from './order-desk.ts';
import { orderServer } from './order-server.ts';

const { values } = parseArgs({
  options: {
    database: { type: 'string', default: 'orders.db' },
    port: { type: 'string', default: '8080' },
    threads: { type: 'boolean', default: false },
  },
});

const ended = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
await using desk = await openDesk({ database: values.database, usesThreads: values.threads });
await using server = orderServer(desk).listen(Number(values.port));
await once(server, 'listening');
console.log(`Orders are taken at http://localhost:${(server.address() as AddressInfo).port}/orders`);
await ended;
