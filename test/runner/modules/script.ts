import { MultiThreadedRunner, System } from 'kahn';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';

// A program that defines its system and runs it: its threads would do the same, and theirs, and so on.
export const shop = System.of([[Orders, Reservations, Orders]], { module: import.meta.url });

await using runner = await MultiThreadedRunner.start(shop);
await runner.get(Orders).place('ada');
await runner.caughtUp();
console.log('done');
