import { setTimeout as delay } from 'node:timers/promises';
import { MultiThreadedRunner, System } from 'kahn';
import { Orders } from '../../../../examples/shop/orders.ts';
import { Reservations } from '../../../../examples/shop/reservations.ts';

// As threads-at-once.ts, but its threads have imported the file before it starts a runner.
export const shop = System.of([[Orders, Reservations, Orders]], { module: import.meta.url });

async function main(): Promise<void> {
  await delay(100);
  await using runner = await MultiThreadedRunner.start(shop);
  for (;;) {
    const errors = (await runner.status()).map(({ lastError }) => lastError);
    const error = errors.find((one) => one !== undefined);
    if (error !== undefined) throw error;
    await delay(50);
  }
}

void main();
