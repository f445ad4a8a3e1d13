import { MultiprocessRunner, System } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Reservations } from '../../../../examples/shop/reservations.ts';

// Defines and runs its system in one file: each process would start the system again, without end.
export const shop = System.of([[Orders, Reservations, Orders]], { module: import.meta.url });

const storage = sqlite({ directory: process.env.KAHN_TEST_DIRECTORY ?? '' });
await using runner = await MultiprocessRunner.start(shop, { storage });
await runner.caughtUp();
