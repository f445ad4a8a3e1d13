import { once } from 'node:events';
import { RestateService } from 'kahn/restate';
import { shop } from '../../examples/shop/shop.ts';

// Serves the shop in a process of its own until its parent lets go of it.
await using service = await RestateService.start(shop, {
  storage: JSON.parse(process.argv[2] ?? ''),
  port: 0,
  hostname: '127.0.0.1',
});
process.send?.(service.port);
await once(process, 'disconnect');
