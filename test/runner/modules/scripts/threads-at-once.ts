import { MultiThreadedRunner, System } from 'kahn';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Reservations } from '../../../../examples/shop/reservations.ts';

// Defines and runs its system in one file: each thread would start the system again, without end.
export const shop = System.of([[Orders, Reservations, Orders]], { module: import.meta.url });

await using runner = await MultiThreadedRunner.start(shop);
await runner.get(Orders).place('ada');
await runner.caughtUp();
console.log('done');
