import { once } from 'node:events';
import { RestateService } from 'kahn/restate';
import { shop } from '../../examples/shop/shop.ts';

// Serves the shop in a separate process until its parent disconnects.
await using service = await RestateService.start(shop, {
  storage: JSON.parse(process.argv[2] ?? ''),
  port: 0,
  hostname: '127.0.0.1',
});
process.send?.(service.port);
await once(process, 'disconnect');
