import { SingleThreadedRunner } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { shop } from '../../../examples/shop/shop.ts';

// Runs the shop in its own process, places orders, and pauses and resumes an application until it is killed.
const [file = ''] = process.argv.slice(2);
const runner = await SingleThreadedRunner.start(shop, { storage: sqlite({ file, synchronous: 'NORMAL' }) });
process.on('disconnect', () => process.exit());
for (let i = 0; ; i += 1) {
  await runner.pause(Payments, { by: 'child', reason: `${i}` });
  await runner.get(Orders).place(`customer ${i}`);
  if (i === 2) process.send?.('busy');
  await runner.resume(Payments, { by: 'child', reason: `${i}` });
}
