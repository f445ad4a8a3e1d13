import { SingleThreadedRunner } from 'kahn';
import { postgres } from 'kahn/postgres';
import { Orders } from '../../examples/shop/orders.ts';
import { shop } from '../../examples/shop/shop.ts';

// Runs the shop in its own process: a message N places N orders; the disconnect closes the runner.
const [connectionString = '', schema = '', name = ''] = process.argv.slice(2);
const runner = await SingleThreadedRunner.start(shop, {
  storage: postgres({ connectionString, schema }),
});
process.on('message', async (orders: number) => {
  for (let i = 0; i < orders; i += 1) await runner.get(Orders).place(`${name} ${i}`);
  process.send?.('placed');
});
process.on('disconnect', () => runner.close());
process.send?.('ready');
