import { isMainThread } from 'node:worker_threads';
import { MultiThreadedRunner, System } from 'kahn';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Reservations } from '../../../../examples/shop/reservations.ts';

export const shop = System.of([[Orders, Reservations, Orders]], { module: import.meta.url });

if (isMainThread) {
  await using runner = await MultiThreadedRunner.start(shop);
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  console.log('done');
}
